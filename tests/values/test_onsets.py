"""The onset value type, both detectors and the matching."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from rhythmic_foley.audio.onset_detection import DETECTOR_RATE_HZ, attack_times, detect_onsets
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.onsets import Onsets, match_onsets

RATE_HZ = 16_000


def test_of_sorts_and_keeps_the_strongest_of_equal_times():
    onsets = Onsets.of([2.0, 0.5, 2.0], [0.3, 1.0, 0.6])
    assert onsets.times_s == (0.5, 2.0)
    assert onsets.strengths == (1.0, 0.6)
    assert len(onsets) == 2 and len(Onsets()) == 0


@pytest.mark.parametrize(
    "times_s, strengths, said",
    [
        ([-0.1], None, "from 0 on"),
        ([float("nan")], None, "seconds"),
        ([1.0], [1.5], "between 0 and 1"),
        ([1.0], [0.5, 0.5], "2 strengths"),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(times_s, strengths, said):
    with pytest.raises(FoleyError, match=said):
        Onsets.of(times_s, strengths)


def test_unsorted_times_cannot_be_constructed():
    with pytest.raises(FoleyError, match="ascending"):
        Onsets((1.0, 0.5), (1.0, 1.0))


def test_editing_returns_new_values_in_order():
    onsets = Onsets.of([1.0, 2.0], [0.5, 0.7])
    assert onsets.add(1.5, 0.2) == Onsets((1.0, 1.5, 2.0), (0.5, 0.2, 0.7))
    assert onsets.remove(0) == Onsets((2.0,), (0.7,))
    assert onsets.move(0, 3.0) == Onsets((2.0, 3.0), (0.7, 0.5))
    assert onsets == Onsets((1.0, 2.0), (0.5, 0.7))
    with pytest.raises(FoleyError, match="number 3"):
        onsets.remove(2)
    with pytest.raises(FoleyError, match="number 0"):
        onsets.move(-1, 0.0)


def test_shift_and_between_keep_strengths_and_drop_what_falls_out():
    onsets = Onsets.of([0.25, 1.0, 2.0], [0.1, 0.2, 0.3])
    assert onsets.shift(0.5).times_s == (0.75, 1.5, 2.5)
    assert onsets.shift(-1.0) == Onsets((0.0, 1.0), (0.2, 0.3))
    assert onsets.between(0.25, 2.0) == Onsets((0.0, 0.75), (0.1, 0.2))


def test_merge_keeps_the_stronger_of_two_neighbours():
    onsets = Onsets.of([0.0, 0.05, 0.11, 0.5], [0.5, 0.9, 0.6, 0.2])
    assert onsets.merge(0.1) == Onsets((0.05, 0.5), (0.9, 0.2))
    assert onsets.merge(0.0) == onsets


def test_mask_holds_the_strength_at_the_frame():
    mask = Onsets.of([0.0, 0.1, 0.12, 0.999, 1.0], [0.2, 0.4, 0.9, 0.5, 1.0]).to_mask(10, 10.0)
    assert mask.dtype == np.float32 and mask.shape == (10,)
    np.testing.assert_allclose(mask, [0.2, 0.9, 0, 0, 0, 0, 0, 0, 0, 0.5], atol=1e-7)


@pytest.mark.parametrize("rate_hz", [62.5, 29.97, 30.0, 44_100 / 512])
def test_mask_round_trip_for_every_frame(rate_hz):
    mask = np.linspace(0.1, 1.0, 512, dtype=np.float32)
    np.testing.assert_array_equal(Onsets.from_mask(mask, rate_hz).to_mask(512, rate_hz), mask)


def test_json_round_trip_is_exact():
    onsets = Onsets.of([1 / 3, 2 / 7], [0.1, 1.0])
    assert Onsets.from_json(onsets.to_json()) == onsets
    assert Onsets.from_json('{"times_s": [2, 1]}') == Onsets((1.0, 2.0), (1.0, 1.0))
    for wrong in ("", "[1]", "3", '{"times": []}', '{"times_s": ["a"]}', '{"times_s": 1}'):
        with pytest.raises(FoleyError, match="JSON"):
            Onsets.from_json(wrong)


def test_text_fields():
    assert Onsets.parse("0.5, 1.25 2").times_s == (0.5, 1.25, 2.0)
    assert Onsets.parse("2s;\n.5,1:02.5@0.4,") == Onsets((0.5, 2.0, 62.5), (1.0, 1.0, 0.4))
    assert Onsets.parse("  ") == Onsets()
    onsets = Onsets.of([10.0, 0.1234], [1.0, 0.75])
    assert onsets.format() == "0.123, 10"
    assert onsets.format(strengths=True) == "0.123@0.75, 10"
    assert Onsets.parse(onsets.format(strengths=True)).strengths == (0.75, 1.0)
    for wrong in ("soon", "-1", "1,,x", "nan", "1:2:3"):
        with pytest.raises(FoleyError, match="is not a time"):
            Onsets.parse(wrong)


def _samples(onsets: Onsets) -> list[int]:
    return [round(time_s * DETECTOR_RATE_HZ) for time_s in onsets.times_s]


CLICKS = [  # seed, time in s, sample at which the published evaluation's detector reports it
    (900, 0, 1536), (901, 0.005, 1536), (902, 0.01, 1536), (903, 0.02, 1536), (904, 0.03, 1536), (905, 0.04, 1536),
    (906, 0.05, 1536), (907, 0.06, 1536), (908, 0.08, 2048), (909, 0.1, 2560), (910, 0.15, 3584), (911, 0.2, 4608),
    (912, 0.333, 7680), (913, 0.5, 11264), (914, 0.777, 17408), (915, 1.0, 22528), (916, 1.5, 33280),
    (917, 1.9, 41984), (918, 1.95, 43520), (919, 1.98, 44032),
]  # fmt: skip


@pytest.mark.parametrize("seed, time_s, sample", CLICKS)
def test_reference_detector_on_clicks(seed, time_s, sample):
    wave, start = np.zeros(44_100), int(time_s * DETECTOR_RATE_HZ)
    click = np.random.Generator(np.random.PCG64(seed)).standard_normal(1102) * np.exp(-np.arange(1102) / 300) * 0.5
    wave[start : start + 1102] += click[: 44_100 - start]
    found = detect_onsets(wave, DETECTOR_RATE_HZ)
    assert _samples(found) == [sample]
    assert 0.5 < found.strengths[0] <= 1.0


def test_reference_detector_does_not_stumble():
    assert detect_onsets(np.zeros(RATE_HZ), RATE_HZ) == Onsets()
    assert detect_onsets(np.zeros(0), RATE_HZ) == Onsets()
    assert len(detect_onsets(np.ones(10, dtype=np.float32), 48_000)) <= 1


def test_reference_detector_on_real_sounds(shared_dir):
    """All whole-clip pairs of the metrics fixture: 16 kHz through soxr to 22,050 Hz, onset samples exact."""
    import soundfile

    folder = shared_dir / "reference" / "metrics" / "fixtures"
    fixture = json.loads((folder / "onset_pairs.json").read_text())

    def sound(name: str) -> np.ndarray:
        return soundfile.read(folder / fixture["files"][name]["path"], dtype="int16")[0]

    checked = 0
    for pair in fixture["pairs"]:
        rule, wave = pair["gen"]["rule"], sound(pair["gen"]["base"])
        if rule == "delay":
            wave = np.concatenate([np.zeros(pair["gen"]["samples"], wave.dtype), wave])[: len(wave)]
        elif rule == "advance":
            wave = np.concatenate([wave[pair["gen"]["samples"] :], np.zeros(pair["gen"]["samples"], wave.dtype)])
        elif rule == "mute":
            wave[pair["gen"]["start"] : pair["gen"]["stop"]] = 0
        elif rule != "identity":
            continue
        found = detect_onsets(wave.astype(np.float32) / 32768, RATE_HZ)
        assert _samples(found) == pair["expected_reflect"]["gen_onset_samples"], pair["id"]
        checked += 1
    assert checked == 64


def _hits(seed: int, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """Decaying bursts of noise, rough noise and tone of different level on a quiet bed; gaps of 0.25 s and more."""
    random = np.random.default_rng(seed)
    wave = random.standard_normal(8 * rate_hz) * 1e-3
    times_s = np.cumsum(random.uniform(0.25, 1.0, 12))
    times_s = times_s[times_s < 7.8]
    for number, time_s in enumerate(times_s):
        start = round(time_s * rate_hz)
        clock_s = np.arange(len(wave) - start) / rate_hz
        noise = random.standard_normal(len(clock_s))
        tone = np.sin(2 * np.pi * random.uniform(60, 3000) * clock_s)
        burst = [noise, np.convolve(noise, np.ones(8) / 3, "same"), tone][number % 3]
        wave[start:] += random.uniform(0.3, 1.0) * burst * np.exp(-clock_s / random.uniform(0.005, 0.08))
    return wave, times_s


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("seed", range(4))
def test_attacks_are_placed_within_8_ms_and_never_in_a_decay(seed, rate_hz):
    wave, times_s = _hits(seed, rate_hz)
    found = attack_times(wave, rate_hz)
    assert len(found) == len(times_s)
    assert np.abs(np.array(found.times_s) - times_s).max() < 0.008


@pytest.mark.parametrize("decay_s", [0.05, 0.3, 1.0, 3.0])
def test_one_long_decay_is_one_attack(decay_s):
    random = np.random.default_rng(5)
    wave = np.zeros(6 * RATE_HZ)
    clock_s = np.arange(5 * RATE_HZ) / RATE_HZ
    wave[RATE_HZ:] = random.standard_normal(len(clock_s)) * np.exp(-clock_s / decay_s)
    found = attack_times(wave, RATE_HZ)
    assert len(found) == 1 and abs(found.times_s[0] - 1.0) < 0.004


def test_attack_strength_is_linear_in_decibel():
    wave = np.zeros(4 * RATE_HZ)
    for start_s, level_db in ((0.5, 0), (1.5, -10), (2.5, -20), (3.5, -50)):
        wave[int(start_s * RATE_HZ) :][:800] = 10 ** (level_db / 20)
    found = attack_times(wave, RATE_HZ)
    np.testing.assert_allclose(found.times_s, [0.5, 1.5, 2.5], atol=0.002)
    np.testing.assert_allclose(found.strengths, [1.0, 0.75, 0.5], atol=0.01)


def test_attacks_at_the_edges_and_in_nothing():
    noise = np.random.default_rng(0).standard_normal(RATE_HZ)
    start = attack_times(noise, RATE_HZ)
    assert len(start) == 1 and start.times_s[0] < 0.002
    late = np.concatenate([np.zeros(RATE_HZ), noise[:400]])
    assert abs(attack_times(late, RATE_HZ).times_s[0] - 1.0) < 0.002
    fade = noise * np.linspace(0, 1, RATE_HZ) ** 2
    assert all(time_s < 0.3 for time_s in attack_times(fade, RATE_HZ).times_s)
    for quiet in (np.zeros(RATE_HZ), np.zeros(0), noise * 1e-5):
        assert attack_times(quiet, RATE_HZ) == Onsets()


def test_matching_is_one_to_one_and_nearest_first():
    match = match_onsets([1.0, 1.1, 3.0], [1.08, 2.0], tolerance_s=0.1)
    assert (match.hits, match.wanted, match.found) == (1, 3, 2)
    assert match.precision == 0.5 and match.recall == pytest.approx(1 / 3) and match.f1 == pytest.approx(0.4)
    assert match.mean_error_s == pytest.approx(0.02)
    assert match_onsets([1.0], [1.06], 0.05).hits == 0


def test_matching_nothing():
    assert match_onsets([], [], 0.1).f1 == 1.0
    assert match_onsets([1.0], [], 0.1).precision == 0.0
    assert match_onsets([], [1.0], 0.1).recall == 0.0


def test_value_types_load_neither_torch_nor_librosa():
    code = (
        "import sys, rhythmic_foley.values.onsets, rhythmic_foley.values.events, rhythmic_foley.values.windows;"
        "sys.exit(bool({'torch', 'librosa', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
