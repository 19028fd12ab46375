from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from library.hits import RATE_HZ, doors, hit, rain, write

from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.library.cutting import cut_recording
from rhythmic_foley.library.looping import loop
from rhythmic_foley.library.sample import Sample
from rhythmic_foley.library.sampler import Layout, lay_event, take_turns
from rhythmic_foley.values.onsets import Onsets

ONSETS = Onsets.of([0.5, 1.0, 1.51, 2.2, 2.9, 3.35])
LENGTH = 4 * RATE_HZ


def samples_in(folder: Path) -> list[Sample]:
    found = []
    for path in sorted(folder.iterdir()):
        found += [Sample(path, cut, (path.stem,)) for cut in cut_recording(*read_wav(path))]
    return found


def laid(samples: list[Sample], onsets: Onsets = ONSETS, seed: int = 1, rate_hz: int = RATE_HZ) -> np.ndarray:
    return lay_event(samples, Layout(onsets, 0, 4 * rate_hz, 4 * rate_hz), rate_hz, seed)


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 48_000])
def test_hits_lie_at_the_onsets_within_a_millisecond_and_no_two_are_equal(tmp_path, rate_hz):
    wave = laid(samples_in(doors(tmp_path)), rate_hz=rate_hz)
    assert attack_times(wave, rate_hz).times_s == pytest.approx(ONSETS.times_s, abs=0.001)
    hits = [wave[round(time_s * rate_hz) :][: rate_hz // 5] for time_s in ONSETS.times_s]
    for number, one in enumerate(hits):
        for other in hits[:number]:
            assert abs(one @ other) < 0.5 * np.sqrt((one @ one) * (other @ other))


def test_one_recording_alone_is_varied(tmp_path):
    wave = laid(samples_in(doors(tmp_path, 1)))
    assert attack_times(wave, RATE_HZ).times_s == pytest.approx(ONSETS.times_s, abs=0.001)
    one, other = (wave[round(time_s * RATE_HZ) :][:8000] for time_s in ONSETS.times_s[:2])
    assert not np.allclose(one, other, atol=0.01)


def test_the_seed_makes_it(tmp_path):
    samples = samples_in(doors(tmp_path, 5))
    np.testing.assert_array_equal(laid(samples), laid(samples))
    assert not np.array_equal(laid(samples), laid(samples, seed=2))


def test_a_soft_hit_is_soft(tmp_path):
    wave = laid(samples_in(doors(tmp_path, 5)), Onsets.of([0.5, 2.0], [1.0, 0.5]))
    loud, soft = (np.abs(wave[start : start + 8000]).max() for start in (RATE_HZ // 2, 2 * RATE_HZ))
    assert 20 * np.log10(soft / loud) == pytest.approx(-20, abs=4)


def test_turns_follow_strength_and_never_repeat():
    rng = np.random.default_rng(0)
    turns = take_turns([-30, -20, -10, -25, -15, -5], [1.0] * 30, rng)
    assert all(one != other for one, other in zip(turns, turns[1:], strict=False))
    assert set(turns) == {2, 4, 5}  # the loud half
    assert set(take_turns([-30, -20, -10, -25, -15, -5], [0.0] * 30, rng)) == {0, 1, 3}
    assert take_turns([-10.0], [1.0, 0.5], rng) == [0, 0]
    assert take_turns([-10.0, -20.0], [1.0] * 6, rng)[0::2] in ([0, 0, 0], [1, 1, 1])


def test_a_ringing_tail_goes_on_under_the_next_hit_and_another_is_cut(tmp_path):
    wave = hit(decay_s=0.3, length_s=1.5)
    ringing = samples_in(write(tmp_path / "bell", "bell.wav", wave).parent)
    voice = hit(decay_s=0.15, length_s=1.5) + hit(1, at_s=0.45, decay_s=0.15, length_s=1.5)
    voices = samples_in(write(tmp_path / "voice", "voice.wav", voice).parent)
    assert (ringing[0].cut.rings, voices[0].cut.rings) == (True, False)
    onsets = Onsets.of([0.5, 0.7], [1.0, 0.0])  # the second is 40 dB softer, so that the first's tail shows
    for samples, floor_db in ((ringing, -30), (voices, -38)):
        sound = laid(samples, onsets)
        first, after = np.abs(sound[22050:26000]).max(), np.abs(sound[31500:34000]).max()
        assert (20 * np.log10(after / first) > floor_db) == samples[0].cut.rings


def test_a_stretch_goes_on_without_a_seam(tmp_path):
    samples = samples_in(write(tmp_path / "rain", "rain.wav", rain(length_s=2.0)).parent)
    sound = lay_event(samples, Layout(Onsets(), RATE_HZ, 9 * RATE_HZ, 10 * RATE_HZ), RATE_HZ, 3)
    assert not sound[:RATE_HZ].any() and not sound[9 * RATE_HZ :].any()
    steady = sound[round(1.1 * RATE_HZ) : round(8.8 * RATE_HZ)]
    levels_db = 10 * np.log10(np.square(steady[: len(steady) // 2205 * 2205]).reshape(-1, 2205).mean(axis=1))
    assert np.abs(levels_db - np.median(levels_db)).max() < 1.5
    assert len(attack_times(sound, RATE_HZ)) == 1  # its beginning


def test_a_loop_of_a_tone_keeps_its_level():
    tone = np.sin(np.arange(RATE_HZ) * 0.05).astype(np.float32)
    sound = loop([tone], 5 * RATE_HZ, RATE_HZ, np.random.default_rng(0))
    assert len(sound) == 5 * RATE_HZ
    assert np.abs(sound).max() < 1.5 and np.abs(np.diff(sound)).max() < 0.1
