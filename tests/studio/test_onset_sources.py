"""Onsets from the picture, the clip's own sound, both, or a guide track."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import make_clip

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe
from rhythmic_foley.studio.onset_sources import SILENT_NOTE, fused, guide_curve, with_sound
from rhythmic_foley.values.curve import curve_of_onsets, pick_onsets
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.vision.onset_detector import NOTHING_SEEN, Seen

HEARD = curve_of_onsets(Onsets.of([0.5, 1.0, 1.5], [1.0, 0.6, 0.8]))
PICTURE = curve_of_onsets(Onsets.of([0.54, 1.2, 1.95], [0.9, 0.7, 0.3]))


def test_in_a_clear_sound_attacks_count_and_what_is_only_seen_does_not():
    found = pick_onsets(fused(PICTURE, HEARD, clear_db=30.0))
    assert found.times_s == pytest.approx((0.5, 1.0, 1.5))
    assert found.strengths[0] == max(found.strengths)


def test_a_noisy_sound_changes_nothing():
    found = pick_onsets(fused(PICTURE, HEARD, clear_db=3.0))
    assert found.times_s == pytest.approx(pick_onsets(PICTURE).times_s)
    assert found.strengths == pytest.approx(pick_onsets(PICTURE).strengths, abs=1e-6)


def test_both_of_a_silent_clip_is_the_picture_and_says_so(tmp_path: Path):
    clip = probe(make_clip(tmp_path / "silent.mp4"))
    seen = Seen(PICTURE, NOTHING_SEEN.sounding)
    assert with_sound(seen, clip, "both") == (seen, SILENT_NOTE)
    with pytest.raises(FoleyError, match="This clip has no sound; take its onsets from the picture"):
        with_sound(seen, clip, "sound")


def test_a_guide_gives_its_attacks(tmp_path: Path):
    rng = np.random.default_rng(0)
    wave = np.zeros(32_000, np.float32)
    for start in (4_000, 12_000, 24_000):
        wave[start : start + 2_000] = 0.3 * rng.standard_normal(2_000) * np.exp(-np.arange(2_000) / 500)
    write_wav(tmp_path / "taps.wav", wave, 16_000)
    assert pick_onsets(guide_curve(tmp_path / "taps.wav")).times_s == pytest.approx((0.25, 0.75, 1.5), abs=0.01)


def test_a_guide_without_attacks_or_sound_gives_one_sentence(tmp_path: Path):
    write_wav(tmp_path / "still.wav", np.zeros(16_000, np.float32), 16_000)
    with pytest.raises(FoleyError, match=r"^No attack can be heard in still\.wav"):
        guide_curve(tmp_path / "still.wav")
    clip = make_clip(tmp_path / "silent.mp4")
    with pytest.raises(FoleyError, match=r"^silent\.mp4 has no sound"):
        guide_curve(clip)
    with pytest.raises(FoleyError, match=r"^There is no file absent\.wav"):
        guide_curve(tmp_path / "absent.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(FoleyError, match=r"^text\.wav is not a sound file"):
        guide_curve(tmp_path / "text.wav")
