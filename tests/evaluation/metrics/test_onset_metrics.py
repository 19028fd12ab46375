"""The published onset protocol: detector, thinning, matching, AP with all its faults, and the strict AP."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhythmic_foley.evaluation.metrics.onset_metrics import (
    OnsetScores,
    average_precision,
    onset_samples,
    resample,
    score_onsets,
    score_sounds,
)

RATE_HZ = 22_050
LENGTH = 2 * RATE_HZ


def noise(seed: int, length: int = LENGTH) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(length)


def click(seed: int, time_s: float) -> np.ndarray:
    wave, start = np.zeros(LENGTH), int(time_s * RATE_HZ)
    burst = noise(seed, 1102) * np.exp(-np.arange(1102) / 300) * 0.5
    wave[start : start + 1102] += burst[: LENGTH - start]
    return wave


@pytest.mark.parametrize(
    ("seed", "time_s", "found"),
    [
        (900, 0.0, 1536),
        (907, 0.06, 1536),
        (908, 0.08, 2048),
        (912, 0.333, 7680),
        (915, 1.0, 22528),
        (919, 1.98, 44032),
    ],
)
def test_the_detector_puts_clicks_where_the_reference_does(seed: int, time_s: float, found: int) -> None:
    assert onset_samples(click(seed, time_s).astype(np.float32)) == (found,)


def levels(**at: float) -> np.ndarray:
    """A wave of almost nothing that has the given levels at single samples, and 1 at its end."""
    wave = np.zeros(LENGTH)
    wave[-1] = 1.0
    for sample, level in at.items():
        wave[int(sample.removeprefix("s"))] = level
    return wave


def test_a_perfect_match_scores_one() -> None:
    scores = score_onsets([5000, 20000], [5000, 20000], noise(1))
    assert scores.count_match
    assert (scores.detection_acc, scores.ap, scores.ap_strict) == (1.0, 1.0, 1.0)


def test_silence_gets_the_published_ap_of_one_but_no_strict_one() -> None:
    scores = score_onsets([5000, 20000], [], np.zeros(LENGTH))
    assert (scores.count_match, scores.detection_acc, scores.ap, scores.ap_strict) == (False, 0.0, 1.0, 0.0)


def test_misses_after_the_last_match_cost_the_published_ap_nothing() -> None:
    first = score_onsets([5000, 15000, 25000, 35000], [5000], noise(1))
    assert (first.detection_acc, first.ap, first.ap_strict) == (0.25, 1.0, 0.25)


def test_with_nothing_matched_the_published_ap_is_the_share_of_real_onsets() -> None:
    scores = score_onsets([5000, 15000], [10000, 30000], noise(1))
    assert scores.ap == pytest.approx(0.5)
    assert (scores.detection_acc, scores.ap_strict) == (0.0, 0.0)


def test_onsets_where_none_should_be() -> None:
    scores = score_onsets([], [5000], noise(2))
    assert (scores.real, scores.detection_acc, scores.ap, scores.ap_strict) == (0, 0.0, 0.0, 0.0)


def test_no_onset_on_either_side_has_no_ap() -> None:
    scores = score_onsets([], [], noise(2))
    assert scores.count_match and scores.ap is None and scores.ap_strict is None


@pytest.mark.parametrize(("distance", "met"), [(2204, True), (2205, False)])
def test_the_tolerance_is_strict(distance: int, met: bool) -> None:
    assert score_onsets([10000], [10000 + distance], noise(3)).hits == (met,)


def test_the_loudest_candidate_is_taken_not_the_nearest() -> None:
    scores = score_onsets([10000], [8500, 10010], levels(s8500=0.9, s10010=0.2))
    assert scores.kept == (8500, 10010)
    assert scores.hits == (True, False)


def test_each_generated_onset_meets_one_real_onset() -> None:
    assert score_onsets([10000, 11500], [10800], noise(12)).detection_acc == 0.5


def test_the_second_of_two_neighbours_survives_because_the_original_skips_it() -> None:
    # Sure of 10000 (0.9), less of 10900 (0.5), not of 10500; both lie within 50 ms of the first.
    scores = score_onsets([], [10000, 10500, 10900], levels(s8900=0.9, s11999=0.5))
    assert scores.kept == (10000, 10900)
    assert scores.confidences == pytest.approx((0.9, 0.5))


def test_thinning_leaves_the_count_match_alone() -> None:
    scores = score_onsets([10240, 11264], [10240, 11264], noise(13))
    assert scores.kept == (11264,) and scores.count_match


def test_average_precision_by_hand() -> None:
    assert average_precision([True, False, True], [0.9, 0.8, 0.7], 2) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([True, False], [0.5, 0.5], 1) == pytest.approx(0.5)
    assert average_precision([True, False, True], [0.9, 0.8, 0.7], 4) == pytest.approx((1 + 2 / 3) / 4)
    assert average_precision([], [], 3) == average_precision([False], [1.0], 0) == 0.0


def test_average_precision_is_scikit_learns() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(0)
    for _ in range(50):
        labels = rng.random(12) < 0.5
        labels[0] = True
        scores = rng.integers(0, 6, 12) / 5
        ours = average_precision(list(labels), list(scores), int(labels.sum()))
        assert ours == pytest.approx(metrics.average_precision_score(labels, scores), abs=1e-12)


def test_sounds_at_other_rates() -> None:
    real = np.sum([click(seed, time_s) for seed, time_s in ((1, 0.4), (2, 1.0), (3, 1.5))], axis=0)
    at_48k = resample(real, RATE_HZ, 48_000)
    scores = score_sounds(at_48k, np.roll(at_48k, 960), 48_000)
    assert scores.count_match and scores.detection_acc == 1.0


def test_resampling_keeps_the_duration() -> None:
    assert resample(np.zeros(16_001), 16_000, 22_050).shape == (16_001 * 22_050 // 16_000,)


def test_reference_matching(reference_dir: Path) -> None:
    path = reference_dir / "metrics/fixtures/onset_matching.json"
    compared = 0
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        if case["tie_dependent"] or "error" in case["out"]:
            continue
        wave = np.zeros(case["wav_len"]) if case["silent"] else noise(case["wav_seed"], case["wav_len"])
        scores, out = score_onsets(case["gt"], case["pred"], wave, tolerance_s=case["tol"]), case["out"]
        assert scores.detection_acc == pytest.approx(out["detection_acc"], abs=1e-9), case["name"]
        assert scores.ap == pytest.approx(out["ap"], abs=1e-6), case["name"]
        assert scores.ap_strict == pytest.approx(out["ap_strict_own"], abs=1e-6), case["name"]
        assert list(scores.kept) == out["kept_after_nms"], case["name"]
        assert list(map(int, scores.hits)) == out["hits"], case["name"]
        assert scores.confidences == pytest.approx(out["kept_confidence"], abs=1e-4), case["name"]
        compared += 1
    assert compared == 50


def made(rule: dict, files: dict[str, np.ndarray]) -> np.ndarray:
    """A generated side, from int16 by the rules that the reference gives."""
    base, name = files[rule["base"]], rule["rule"]
    if name == "delay":
        return np.concatenate([np.zeros(rule["samples"], np.int16), base])[: len(base)]
    if name == "advance":
        return np.concatenate([base[rule["samples"] :], np.zeros(rule["samples"], np.int16)])
    if name == "fit_length":
        return fitted(base, rule["length"])
    if name == "silence":
        return np.zeros_like(base)
    if name == "mute":
        return np.concatenate([base[: rule["start"]], np.zeros_like(base[rule["start"] : rule["stop"]])])
    if name == "crop":
        return base[rule["start"] : rule["stop"]]
    if name == "mix":
        return base // 2 + fitted(files[rule["other"]] // 2, rule["length"])
    return base


def fitted(wave: np.ndarray, length: int) -> np.ndarray:
    return np.pad(wave[:length], (0, max(0, length - len(wave))))


@pytest.fixture(scope="module")
def reference_scores(shared_dir: Path) -> list[tuple[dict, dict[float, OnsetScores], tuple[tuple[int, ...], ...]]]:
    """For each pair of the reference: the pair, our scores by tolerance, our onsets of both sides."""
    folder = shared_dir / "reference/metrics/fixtures"
    table = json.loads((folder / "onset_pairs.json").read_text(encoding="utf-8"))
    files = {name: soundfile.read(folder / file["path"], dtype="int16")[0] for name, file in table["files"].items()}
    results = []
    for pair in table["pairs"]:
        generated = made(pair["gen"], files)
        real = made(pair["gt"], files) if isinstance(pair["gt"], dict) else files[pair["gt"]]
        waves = [resample(side / np.float32(32768), 16_000, RATE_HZ) for side in (real, generated)]
        onsets = tuple(onset_samples(wave) for wave in waves)
        scores = {tol: score_onsets(*onsets, waves[1], tolerance_s=tol) for tol in (0.05, 0.1)}
        results.append((pair, scores, onsets))
    return results


def test_reference_pairs(reference_scores: list) -> None:
    assert len(reference_scores) == 96
    for pair, scores, onsets in reference_scores:
        expected = pair["expected_reflect"]
        assert list(onsets[0]) == expected["gt_onset_samples"], pair["id"]
        assert list(onsets[1]) == expected["gen_onset_samples"], pair["id"]
        assert scores[0.1].count_match == expected["count_match"], pair["id"]
        assert list(scores[0.1].kept) == expected["gen_onset_samples_after_nms"], pair["id"]
        assert scores[0.1].confidences == pytest.approx(expected["gen_confidence_after_nms"], abs=1e-4), pair["id"]
        assert scores[0.1].ap_strict == pytest.approx(expected["ap_strict_own_tol_0.10"], abs=1e-4), pair["id"]
        for tolerance_s, name in ((0.05, "tol_0.05"), (0.1, "tol_0.10")):
            assert scores[tolerance_s].detection_acc == pytest.approx(expected[name]["detection_acc"], abs=1e-6)
            assert scores[tolerance_s].ap == pytest.approx(expected[name]["ap"], abs=1e-4), pair["id"]
            assert list(map(int, scores[tolerance_s].hits)) == expected[name]["hits"], pair["id"]


def test_the_sanity_table_of_the_reference(reference_scores: list) -> None:
    by_kind: dict[str, list[OnsetScores]] = {}
    for pair, scores, _ in reference_scores:
        by_kind.setdefault(pair["id"].split("/")[1], []).append(scores[0.1])
    table = {
        kind: tuple(
            round(float(np.mean([getattr(s, name) for s in scores])), 2)
            for name in ("count_match", "detection_acc", "ap", "ap_strict")
        )
        for kind, scores in by_kind.items()
    }
    assert table["delay30"] == (0.75, 0.88, 0.92, 0.86)
    assert table["delay150"] == (0.5, 0.04, 0.5, 0.01)
    assert table["other"] == (0.12, 0.22, 0.61, 0.17)
    assert table["silence"] == (0.0, 0.0, 1.0, 0.0)
