"""Folders against folders: what is paired, what is counted, what is left out, and how the table says it."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import make_clip

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.commands.report import add_comparison_command
from rhythmic_foley.evaluation.metrics.bounds import NOISE, ORIGINAL, SHIFTED, SHUFFLED, floor_pairings, pink_noise
from rhythmic_foley.evaluation.metrics.networks import ClipOutputs
from rhythmic_foley.evaluation.report.folders import find_clips, pair_clips, read_sound
from rhythmic_foley.evaluation.report.report import compare_folders, frechet_estimate, mean_estimate
from rhythmic_foley.evaluation.report.scoring import Tools
from rhythmic_foley.evaluation.report.tables import COUNTS, Column, Draws, Estimate, Report, Row

RATE_HZ = 16_000
HITS_S = {"one": (0.3, 1.2), "two": (0.5, 0.9, 1.6), "three": (0.7,)}


class Levels:
    """A network of two numbers: how loud, how shaky."""

    key = "levels"
    distance_head = "FD (levels, 2-d)"
    divergence_head = "MKL (levels, 2 classes)"

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, wave: np.ndarray, sample_rate_hz: int) -> ClipOutputs:
        self.calls += 1
        numbers = np.array([np.sqrt(np.mean(wave**2)), np.abs(np.diff(wave)).mean()]) * 10
        return ClipOutputs(numbers, numbers)


class Grader:
    """In place of ViSQOL."""

    band_hz = None

    def score(self, reference: np.ndarray, reference_hz: int, degraded: np.ndarray, degraded_hz: int) -> float | None:
        return 4.0 if degraded.any() else 1.0


def hits(times_s: tuple[float, ...], seconds: float = 2.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng, wave = np.random.default_rng(0), np.zeros(round(seconds * rate_hz))
    n = rate_hz // 20
    for time_s in times_s:
        start = round(time_s * rate_hz)
        wave[start : start + n] += (
            0.5 * (rng.standard_normal(n) * np.exp(-np.arange(n) / (n / 4)))[: len(wave) - start]
        )
    return np.clip(wave, -1, 1)


def write(path: Path, wave: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, wave, rate_hz)


@pytest.fixture
def real(tmp_path: Path) -> Path:
    for name, times_s in HITS_S.items():
        write(tmp_path / "real" / f"{name}.wav", hits(times_s))
    return tmp_path / "real"


def tools(**changes: object) -> Tools:
    return Tools(**{"networks": (Levels(),), "visqol": Grader(), "flow": False, **changes})


def test_the_same_sounds_are_the_ceiling_and_shuffled_ones_the_floor(real: Path) -> None:
    report = compare_folders(real, {"copy": real}, tools(), bounds=True, resamples=50)
    rows = {row.method: row for row in report.rows}
    assert list(rows) == [ORIGINAL, "copy", SHUFFLED, SHIFTED, NOISE]
    for method in (ORIGINAL, "copy"):
        values = {key: estimate.value for key, estimate in rows[method].estimates.items()}
        assert values == pytest.approx(
            {
                "onset_count_acc": 1,
                "onset_detection_acc": 1,
                "onset_ap": 1,
                "onset_ap_strict": 1,
                "fd_levels": 0,
                "mkl_levels": 0,
                "visqol": 4,
            },
            abs=1e-5,
        )
        assert rows[method].counts == {}
    assert rows[SHUFFLED].estimates["onset_count_acc"].value == 0
    assert rows[SHUFFLED].estimates["onset_ap_strict"].value < 0.5
    assert rows[SHUFFLED].estimates["mkl_levels"].value > 1e-4
    assert rows[SHIFTED].estimates["onset_ap_strict"].value < 0.5
    assert rows[SHIFTED].estimates["mkl_levels"].value == pytest.approx(0, abs=1e-4)
    # A Frechet distance is blind to the first two and held against the noise alone.
    distances = {method: row.estimates["fd_levels"].value for method, row in rows.items()}
    assert distances[SHUFFLED] == pytest.approx(0, abs=1e-6) and distances[NOISE] > 1e-3
    assert report.hardest_floor(report.columns[4]).method == NOISE
    ahead = report.advantages()
    assert [row.method for row in ahead.rows] == [ORIGINAL, "copy"]
    assert ahead.rows[1].estimates["fd_levels"].value == pytest.approx(distances[NOISE])
    assert ahead.columns[4].head == f"FD (levels, 2-d): better than {NOISE}" and ahead.columns[4].higher_is_better


def test_everything_odd_is_counted(real: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    write(made / "one.wav", np.zeros(2 * RATE_HZ))
    write(made / "two.flac", hits(HITS_S["two"], 3.0, 44_100), 44_100)
    write(made / "two.wav", hits(HITS_S["two"], 3.0, 44_100), 44_100)
    (made / "three.wav").write_bytes(b"not a sound")
    write(made / "stranger.wav", hits((0.5,)))
    (made / "notes.txt").write_text("no clip")
    write(real / "four.wav", hits((0.4,)))
    write(real / "five.wav", np.zeros(2 * RATE_HZ))
    write(made / "five.wav", hits((0.4,)))
    write(real / "six.wav", hits((0.4,)))
    write(made / "six.wav", np.zeros(100))
    make_clip(made / "seven.mp4", audio=None)
    write(real / "seven.wav", hits((0.4,)))
    (row,) = compare_folders(real, {"made": made}, tools(), resamples=0).rows
    assert row.counts == {
        "missing": 1,
        "unmatched": 1,
        "doubled": 1,
        "generated_unreadable": 1,
        "generated_without_sound": 1,
        "too_short": 1,
        "generated_silent": 1,
        "real_silent": 1,
        "length_differs": 1,
        "rate_differs": 1,
        "no_real_onset": 1,
    }
    assert set(row.counts) <= set(COUNTS)
    assert row.pairs == 3  # one, two and five
    assert row.estimates["visqol"].value == pytest.approx(3.0)
    assert row.estimates["onset_ap"].samples == 2
    by_name = {clip["name"]: clip for clip in row.clips}
    assert (by_name["one"]["onset_ap"], by_name["one"]["onset_ap_strict"]) == (1.0, 0.0)
    assert by_name["two"]["onset_detection_acc"] == 1.0 and by_name["two"]["seconds"] == 2.0
    assert by_name["three"]["counted"] == ("generated_unreadable",)


def test_onsets_are_judged_on_whole_seconds(tmp_path: Path) -> None:
    """A hit after the last whole second counts on neither side."""
    write(tmp_path / "real" / "a.wav", hits((0.3, 1.2), 2.7))
    write(tmp_path / "made" / "a.wav", hits((0.3, 1.2, 2.3), 2.8))
    (row,) = compare_folders(tmp_path / "real", {"made": tmp_path / "made"}, tools(), resamples=0).rows
    assert row.estimates["onset_count_acc"].value == 1
    (row,) = compare_folders(tmp_path / "real", {"made": tmp_path / "made"}, tools(seconds=1.0), resamples=0).rows
    assert row.clips[0]["seconds"] == 1.0


def test_samples_of_a_clip_weigh_alike_and_are_drawn_together(real: Path, tmp_path: Path) -> None:
    for sample in range(2):
        write(tmp_path / "made" / f"one_sample_{sample}.wav", hits(HITS_S["one"]))
    write(tmp_path / "made" / "two_sample_0.wav", np.zeros(2 * RATE_HZ))
    network = Levels()
    (row,) = compare_folders(real, {"made": tmp_path / "made"}, tools(networks=(network,)), resamples=200).rows
    assert row.counts == {"missing": 1, "generated_silent": 1}
    accuracy = row.estimates["onset_detection_acc"]
    assert (accuracy.value, accuracy.low, accuracy.high) == (pytest.approx(2 / 3), 0.0, 1.0)
    assert network.calls == 5  # the real sound of `one` only once


def test_a_stem_that_really_ends_in_sample(tmp_path: Path) -> None:
    write(tmp_path / "real" / "take_sample_1.wav", hits((0.3,)))
    clips = find_clips(tmp_path / "real")
    assert pair_clips(clips, clips).pairs[0].clip == "take_sample_1"


def test_a_sound_file_speaks_for_the_video_beside_it(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4", audio="tone")
    write(tmp_path / "a.wav", np.zeros(RATE_HZ))
    files = find_clips(tmp_path)["a"]
    assert (files.sound.name, files.video.name, files.doubled) == ("a.wav", "a.mp4", False)
    wave, rate_hz = read_sound(files)
    assert rate_hz == RATE_HZ and not wave.any()


def test_the_sound_of_a_video_is_read_at_its_own_rate(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4", audio="tone")
    wave, rate_hz = read_sound(find_clips(tmp_path)["a"])
    assert rate_hz == 44_100 and len(wave) == pytest.approx(44_100, abs=1100) and np.abs(wave).max() > 0.1


def test_shuffled_pairs_meet_no_clip_of_their_own(real: Path) -> None:
    pairs = floor_pairings(find_clips(real))[SHUFFLED].pairs
    assert {pair.clip for pair in pairs} == {pair.name for pair in pairs} == set(HITS_S)
    assert all(pair.clip != pair.name for pair in pairs)


def test_clips_without_sound_are_not_shuffled(real: Path) -> None:
    make_clip(real / "mute.mp4", audio=None)
    (real / "broken.mp4").write_bytes(b"no clip")
    ceiling, *floors = compare_folders(real, {}, tools(), bounds=True, resamples=0).rows
    assert ceiling.counts == {"real_unreadable": 1, "real_without_sound": 1}
    assert [(floor.method, floor.pairs, floor.counts) for floor in floors] == [
        (name, 3, {}) for name in (SHUFFLED, SHIFTED, NOISE)
    ]


def test_noise_is_as_loud_as_the_sound_and_the_same_each_time(real: Path) -> None:
    noise = pink_noise(16_000, seed=1)
    assert np.mean(noise**2) == pytest.approx(1) and np.array_equal(noise, pink_noise(16_000, seed=1))
    powers = np.abs(np.fft.rfft(noise)) ** 2
    assert powers[500:1000].sum() == pytest.approx(powers[4000:8000].sum(), rel=0.2)  # equal in each octave
    pair = floor_pairings(find_clips(real))[NOISE].pairs[0]
    wave = hits(HITS_S["one"])
    assert np.mean(pair.change(wave) ** 2) == pytest.approx(np.mean(wave**2))


def test_a_column_that_does_not_tell_the_original_from_its_floor_says_so() -> None:
    columns = tuple(Column(key, key.upper(), True, floors=(SHUFFLED,)) for key in ("shaky", "sure"))
    even = np.linspace(0, 1, 101)

    def row(method: str, kind: str, shaky: np.ndarray, sure: np.ndarray) -> Row:
        values = {"shaky": shaky, "sure": sure}
        estimates = {k: Estimate(v.mean(), 0, 1, 2, Draws(("a", "b"), v)) for k, v in values.items()}
        return Row(method, 2, estimates, {}, (), kind)

    rows = (row(ORIGINAL, "ceiling", even + 0.1, even + 2), row(SHUFFLED, "floor", 1 - even, even))
    report = Report(columns, rows)
    said = f"SHAKY does not tell the original sound from {SHUFFLED}: it says nothing of the methods here."
    assert report.blind_spots() == [said]
    text = report.to_markdown()
    assert f"| {ORIGINAL} | 2 | 0.100 [-0.850, 1.050] | 2.000 [2.000, 2.000] |" in text and f"- {said}" in text


def test_rows_of_other_clips_are_not_subtracted() -> None:
    column = Column("good", "GOOD", True, floors=(SHUFFLED,))
    rows = (
        Row("mine", 2, {"good": Estimate(1.0, 0, 1, 2, Draws(("a", "b"), np.ones(3)))}, {}),
        Row(SHUFFLED, 2, {"good": Estimate(0.5, 0, 1, 2, Draws(("a", "c"), np.ones(3)))}, {}, (), "floor"),
    )
    assert Report((column,), rows).advantages().rows == ()
    same = Row("same", 2, {"good": Estimate(1.0, 0, 1, 2, Draws(("a", "c"), np.ones(3)))}, {})
    assert "rest on other clips: mine." in Report((column,), (same, *rows)).to_markdown()


def test_a_floor_that_a_column_cannot_see_is_in_parentheses() -> None:
    column = Column("fd", "FD", False, floors=(NOISE,))
    row = Row(SHUFFLED, 3, {"fd": Estimate(4.0, 3.0, 5.0, 3)}, {}, (), "floor")
    text = Report((column,), (row,)).to_markdown()
    assert f"| {SHUFFLED} | 3 | (4.000) |" in text and "not made to see" in text


def test_no_method_has_the_name_of_a_floor(real: Path) -> None:
    with pytest.raises(FoleyError, match="No method can be called"):
        compare_folders(real, {NOISE: real}, tools(), bounds=True)


def test_nothing_is_below_zero_that_is_zero_in_print() -> None:
    table = Report((Column("mkl", "MKL", False),), (Row("a", 1, {"mkl": Estimate(-0.0003, None, None, 1)}, {}),))
    assert "| a | 1 | 0.000 |" in table.to_markdown()


def test_av_align_looks_at_the_real_picture(tmp_path: Path, clip: Path) -> None:
    for folder in ("real", "made"):
        (tmp_path / folder).mkdir()
    (tmp_path / "real" / "a.mp4").write_bytes(clip.read_bytes())
    write(tmp_path / "real" / "b.wav", hits((0.3,)))
    write(tmp_path / "made" / "a.wav", hits((0.25, 0.7), 1.0))
    write(tmp_path / "made" / "b.wav", hits((0.3,)))
    report = compare_folders(tmp_path / "real", {"made": tmp_path / "made"}, tools(flow=True), resamples=0)
    assert report.rows[0].counts["av_align_undefined"] == 1
    assert report.rows[0].estimates["av_align"].samples == 1
    assert "| AV-Align, 1 pair ↑ |" in report.to_markdown()


def test_a_column_that_no_pair_allows_is_left_out(real: Path) -> None:
    report = compare_folders(real, {"copy": real}, tools(flow=True), resamples=0, left_out=("No CLIP.",))
    assert "av_align" not in [column.key for column in report.columns]
    assert report.left_out == ("No CLIP.", "AV-Align is left out: no pair allows it.")
    assert "- No CLIP." in report.to_markdown()


def test_folders_that_do_not_match(real: Path, tmp_path: Path) -> None:
    write(tmp_path / "made" / "stranger.wav", hits((0.5,)))
    with pytest.raises(FoleyError, match="clips are paired by name"):
        compare_folders(real, {"made": tmp_path / "made"}, tools())
    with pytest.raises(FoleyError, match="There is no folder"):
        compare_folders(real, {"made": tmp_path / "nowhere"}, tools())
    (tmp_path / "empty").mkdir()
    with pytest.raises(FoleyError, match="no sound or video"):
        compare_folders(tmp_path / "empty", {"made": real}, tools())


def test_the_interval_covers_the_mean() -> None:
    """95 % of intervals over 40 clips should hold the true mean; 90 % at least among 200."""
    rng, clips = np.random.default_rng(0), [str(i) for i in range(40)]
    estimates = [mean_estimate(rng.normal(1.0, 1.0, 40), clips, seed=i, resamples=400) for i in range(200)]
    assert 0.9 <= np.mean([e.low <= 1.0 <= e.high for e in estimates]) <= 0.99
    assert np.mean([e.high - e.low for e in estimates]) == pytest.approx(2 * 1.96 / np.sqrt(40), rel=0.1)


def test_samples_of_one_clip_make_no_interval() -> None:
    assert mean_estimate([1.0, 2.0], ["a", "a"]) == Estimate(1.5, None, None, 2)


def test_the_frechet_interval_lies_around_the_value() -> None:
    rng = np.random.default_rng(0)
    pairs = [(str(i), rng.standard_normal(8), 1 + rng.standard_normal(8)) for i in range(60)]
    estimate = frechet_estimate(pairs, resamples=100)
    assert 8 < estimate.value < 14
    assert estimate.low < estimate.value < estimate.high and estimate.high - estimate.low < 8
    same = frechet_estimate([(clip, features, features) for clip, features, _ in pairs], resamples=20)
    assert (same.value, same.low, same.high) == pytest.approx((0, 0, 0), abs=1e-9)


@pytest.fixture
def report() -> Report:
    columns = (Column("ap", "AP", True), Column("fd", "FD (net, 2-d)", False))
    rows = (
        Row("first", 3, {"ap": Estimate(0.5, 0.25, 0.75, 2), "fd": Estimate(1.0, None, None, 3)}, {"missing": 1}),
        Row("second, other", 4, {"ap": Estimate(0.125, 0.0, 1.0, 4)}, {}),
    )
    return Report(columns, rows, ("CLIP is left out.",))


def test_markdown(report: Report) -> None:
    lines = report.to_markdown().splitlines()
    assert lines[0] == "| method | pairs | AP ↑ | FD (net, 2-d) ↓ |"
    assert "| AP, 2 pairs ↑ |" in replace(report, rows=report.rows[:1]).to_markdown()
    assert lines[2] == "| first | 3 | 0.500 [0.250, 0.750] (2 of 3 pairs) | 1.000 |"
    assert lines[3] == "| second, other | 4 | 0.125 [0.000, 1.000] |  |"
    assert "| real clips without a generated one | 1 | 0 |" in lines
    assert lines[-2] == "- CLIP is left out." and lines[-1].startswith("- The rows rest on different numbers")


def test_csv(report: Report) -> None:
    first, second = csv.DictReader(io.StringIO(report.to_csv()))
    assert (first["ap"], first["ap_low"], first["ap_high"], first["ap_samples"]) == ("0.5", "0.25", "0.75", "2")
    assert (first["fd_low"], first["missing"], second["missing"]) == ("", "1", "0")
    assert (second["method"], second["fd"]) == ("second, other", "")


def test_json_and_files(report: Report, tmp_path: Path) -> None:
    written = report.write(tmp_path / "new")
    assert [path.name for path in written] == ["report.md", "report.csv", "report.json"]
    data = json.loads(written[2].read_text(encoding="utf-8"))
    assert data["rows"][0]["estimates"]["ap"] == {"value": 0.5, "low": 0.25, "high": 0.75, "samples": 2}
    assert data["left_out"] == ["CLIP is left out."]


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_comparison_command(parser.add_subparsers())
    parsed = parser.parse_args(["folders", *arguments])
    return parsed.run(parsed)


def test_command_line(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHYTHMIC_FOLEY_CHECKPOINTS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "visqol", None)
    folder = tmp_path / "result"
    assert run(str(real), f"mine={real}", "--bounds", "--out", str(folder), "--resamples", "20") == 0
    printed = capsys.readouterr()
    assert printed.out == (folder / "report.md").read_text(encoding="utf-8")
    assert "| mine | 3 | 1.000" in printed.out
    for missing in ("Melception", "YAMNet", "ViSQOL", "AV-Align", "CLIP similarity", "DeSync"):
        assert f"{missing}" in "".join(line for line in printed.out.splitlines() if line.startswith("- "))
    assert "mine: 1 of 3, one" in printed.err


@pytest.mark.parametrize("arguments", [[], ["a=.", "a=."]])
def test_command_line_refuses(real: Path, arguments: list[str]) -> None:
    with pytest.raises(FoleyError):
        run(str(real), *arguments)


def test_a_network_that_was_asked_for_must_be_there(real: Path, tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="no YAMNet in"):
        run(str(real), str(real), "--yamnet", str(tmp_path))
