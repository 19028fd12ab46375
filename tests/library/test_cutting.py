from __future__ import annotations

import numpy as np
import pytest
from library.hits import RATE_HZ, hit, rain

from rhythmic_foley.library.cutting import cut_recording


def test_a_hit_is_cut_at_its_attack_and_where_its_tail_has_died():
    (cut,) = cut_recording(hit(at_s=0.1, decay_s=0.05), RATE_HZ)
    assert cut.use == "hit"
    assert cut.attack_s == pytest.approx(0.1, abs=0.0005)
    assert 0.25 < cut.end_s < 0.45  # 40 dB below the attack after 0.23 s
    assert cut.rings


def test_hits_are_parted_by_silence():
    cuts = cut_recording(np.concatenate([hit(1), hit(2, loud=0.3), hit(3)]), RATE_HZ)
    assert [cut.attack_s for cut in cuts] == pytest.approx([0.1, 0.7, 1.3], abs=0.001)
    assert cuts[1].level_db < cuts[0].level_db - 3


def test_handling_noise_far_below_the_hits_is_no_hit():
    assert len(cut_recording(np.concatenate([hit(1), hit(2, loud=0.02)]), RATE_HZ)) == 1


def test_what_goes_on_at_one_level_is_a_stretch():
    (cut,) = cut_recording(rain(length_s=3.0), RATE_HZ)
    assert cut.use == "stretch"
    assert cut.end_s - cut.attack_s > 2.9


def test_a_long_tail_is_no_stretch():
    (cut,) = cut_recording(hit(decay_s=0.8, length_s=5.0), RATE_HZ)
    assert (cut.use, cut.rings) == ("hit", True)


def test_what_comes_and_goes_does_not_ring():
    wave = hit(decay_s=0.15, length_s=1.5)
    again = hit(1, at_s=0.35, decay_s=0.15, length_s=1.5)
    (cut,) = cut_recording(wave + again, RATE_HZ)
    assert not cut.rings


def test_silence_holds_nothing():
    assert cut_recording(np.zeros(RATE_HZ, np.float32), RATE_HZ) == ()
    assert cut_recording(np.zeros(0, np.float32), RATE_HZ) == ()


def test_a_known_use_is_kept():
    assert {cut.use for cut in cut_recording(rain(), RATE_HZ, "hit")} == {"hit"}
    assert {cut.use for cut in cut_recording(hit(), RATE_HZ, "stretch")} == {"stretch"}
