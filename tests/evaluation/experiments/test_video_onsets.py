"""Scores of onsets seen in the picture, on hand-made lists and on a drawn clip."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
import torch

from rhythmic_foley.cli import main
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.video_onsets import (
    evaluate_clips,
    format_rows,
    format_summaries,
    read_table,
)
from rhythmic_foley.evaluation.metrics.seen_onsets import Judged, average_precision, mean_row, score, summarise
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.pipeline.loading import find_checkpoint
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.vision.onset_detector import load_detector

_HEAD = "clip,sync_judgeable,judge_from_s,judge_to_s,attack_refined_s"


def test_average_precision_by_hand():
    # Ranked: 1.0 (hit), 5.0 (miss), 2.0 (hit); 3.0 is never found: (1/1 + 2/3) / 3.
    found = Onsets.of([1.02, 2.0, 5.0], [0.9, 0.2, 0.5])
    assert average_precision([1.0, 2.0, 3.0], found, 0.05) == pytest.approx(5 / 9)
    assert average_precision([1.0, 2.0, 3.0], found, 0.01) == pytest.approx((1 / 3) / 3)


def test_average_precision_uses_each_true_time_once():
    assert average_precision([1.0], Onsets.of([0.98, 1.01], [0.5, 0.9]), 0.05) == 1.0
    assert average_precision([1.0, 1.5], Onsets.of([0.98, 1.01], [0.5, 0.9]), 0.05) == 0.5


def test_nothing_found_scores_0_and_nothing_wanted_nor_found_scores_1():
    assert average_precision([1.0], Onsets(), 0.1) == 0.0
    assert average_precision([], Onsets(), 0.1) == 1.0
    assert average_precision([], Onsets.of([1.0]), 0.1) == 0.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip of a ball that bounces at 0.41, 0.94, ... s, and its table (with a row that must not be read)."""
    folder = tmp_path_factory.mktemp("onsets")
    true_s = [0.41 + 0.53 * k for k in range(5)]
    with av.open(str(folder / "ball.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.options = {"crf": "18", "preset": "ultrafast"}
        wall = np.random.default_rng(0).integers(60, 120, (45, 80), dtype=np.uint8)
        wall = cv2.cvtColor(cv2.resize(wall, (320, 180), interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2RGB)
        for index in range(90):
            phase = (index / 30 - 0.41) % 0.53 / 0.53
            centre = (160 * 16, round((130 - 240 * phase * (1 - phase)) * 16))
            picture = cv2.circle(wall.copy(), centre, 20 * 16, (230, 200, 60), -1, cv2.LINE_AA, 4)
            picture = cv2.circle(picture, (centre[0] - 112, centre[1] + 80), 80, (40, 40, 160), -1, cv2.LINE_AA, 4)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    times = " ".join(f"{time_s:.3f}" for time_s in true_s)
    (folder / "clips.csv").write_text(f"{_HEAD}\nball,yes,0,2.2,{times}\nabsent,no,0,1,0.5\n", encoding="utf-8")
    return folder


def rows_of(folder, **how):
    _, rows = evaluate_clips(folder, folder / "clips.csv", **how)
    return {method: of_method[0] for method, of_method in rows.items()}


def test_a_clear_clip_scores_high_and_only_judged_seconds_count(folder):
    rows = rows_of(folder)
    motion = rows["motion"]
    assert motion.clip == "ball" and motion.true == 4  # the fifth bounce lies past judge_to_s
    assert motion.ap_50ms > 0.95 and motion.f1_50ms > 0.85
    assert abs(motion.offset_ms) < 15
    assert motion.f1_50ms > rows["chance"].f1_50ms + 0.5
    assert np.isnan(motion.loudness), "the clip has no sound"


def test_a_detector_adds_itself_and_its_mean_with_motion(folder):
    detector = EventDetector(widths=(4, 6, 8), hidden=12, motion_share=0.5).eval()
    with torch.no_grad():
        for parameter in detector.heads.parameters():
            parameter.zero_()  # every probability is 0.5: no peak of its own
    rows = rows_of(folder, detector=detector)
    assert set(rows) == {"network", "network + motion", "motion", "frame difference", "chance"}
    assert rows["network"].ap_100ms == 0
    assert rows["network + motion"].ap_100ms == pytest.approx(rows["motion"].ap_100ms, abs=0.1)


def test_chance_is_near_what_counting_says(folder):
    chance = rows_of(folder)["chance"]
    # Each of 4 throws lands within 0.1 s of one of 4 times with probability 4 * 0.2 / 2.2 = 0.36; sharing costs some.
    assert 0.15 < chance.f1_100ms < 0.42
    assert chance.f1_50ms < chance.f1_100ms < chance.f1_shifted


def test_a_files_constant_offset_is_allowed_for():
    clip = Judged("late", np.array([1.0, 2.2, 2.9, 4.5]), 0.0, 9.0)
    found = Onsets.of(clip.true_s + 0.24, [0.9, 0.8, 0.7, 0.6])
    row = score(clip, "m", found, found)
    assert (row.f1_100ms, row.ap_100ms) == (0.0, 0.0)
    assert (row.f1_shifted, row.ap_shifted) == (1.0, 1.0)


def test_strengths_are_held_against_loudness():
    clip = Judged("loud", np.array([1.0, 2.0, 3.0, 4.0]), 0.0, 9.0, levels=np.array([-10.0, -30.0, -20.0, -40.0]))
    agreeing = Onsets.of([1.0, 2.0, 3.0, 4.0], [0.9, 0.5, 0.7, 0.2])
    assert score(clip, "m", agreeing, agreeing).loudness == pytest.approx(1.0)
    turned = Onsets.of([1.0, 2.0, 3.0, 4.0], [0.2, 0.7, 0.5, 0.9])
    assert score(clip, "m", turned, turned).loudness == pytest.approx(-1.0)
    few = Onsets.of([1.0, 2.0], [0.9, 0.5])
    assert np.isnan(score(clip, "m", few, few).loudness)


def test_means_by_source_and_intervals_over_recordings():
    clips = [
        Judged(f"c{n}", np.array([1.0]), 0.0, 2.0, source="big" if n < 8 else "small", recording=f"r{n // 2}")
        for n in range(11)
    ]
    hit, miss = Onsets.of([1.0]), Onsets.of([1.9])
    rows = [score(clip, "m", *(2 * [hit if n % 2 else miss])) for n, clip in enumerate(clips)]
    found = {one.means.clip: one for one in summarise(clips, rows)}
    assert {name: one.clips for name, one in found.items()} == {"big": 8, "others": 3, "all": 11}
    big = found["big"]
    assert big.means.f1_100ms == 0.5
    assert big.low["f1_100ms"] == big.high["f1_100ms"] == 0.5, "every recording has one hit and one miss"
    assert found["all"].means == mean_row(rows, "all") or np.isnan(found["all"].means.loudness)
    assert format_summaries(list(found.values())).splitlines()[2].startswith("| big, 8 | m | 1.0 | 1.0 | 0.50 (0.50")


def test_the_command_prints_means_and_each_clip_if_asked(folder, capsys):
    assert main(["evaluate", "onsets-from-video", str(folder)]) == 0
    printed = capsys.readouterr().out
    methods = 3 if load_detector(find_checkpoint("mini")) is None else 5
    assert printed.count("\n") == 2 + methods
    assert "| all, 1 | motion | 4.0 |" in printed
    assert main(["evaluate", "onsets-from-video", str(folder), str(folder / "clips.csv"), "--each"]) == 0
    assert "| ball | motion | 4 |" in capsys.readouterr().out


def test_a_table_of_film_names_onsets_recording_and_source(tmp_path):
    (tmp_path / "clips.csv").write_text(
        "clip,sync_judgeable,onsets_s,split_key\nx,yes,0.5 1.5,gh_1\n", encoding="utf-8"
    )
    (clip,) = read_table(tmp_path, tmp_path / "clips.csv")
    assert clip.true_s.tolist() == [0.5, 1.5] and (clip.source, clip.recording) == ("gh", "gh_1")


def test_a_table_without_judgeable_rows_or_columns_gives_one_sentence(tmp_path, capsys):
    (tmp_path / "a.csv").write_text(f"{_HEAD}\nx,no,0,1,0.5\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("clip,times\nx,1\n", encoding="utf-8")
    for name in ("a.csv", "b.csv", "absent.csv"):
        with pytest.raises(FoleyError):
            evaluate_clips(tmp_path, tmp_path / name)
    assert main(["evaluate", "onsets-from-video", str(tmp_path), str(tmp_path / "b.csv")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_format_has_one_line_a_row(folder):
    _, rows = evaluate_clips(folder, folder / "clips.csv")
    flat = [row for of_method in rows.values() for row in of_method]
    assert len(format_rows(flat).splitlines()) == len(flat) + 2


def test_real_clips_are_clearly_above_chance(shared_dir):
    detector = load_detector(find_checkpoint("mini"))
    _, rows = evaluate_clips(shared_dir / "clips", shared_dir / "clips" / "clips.csv", detector=detector)
    means = {method: mean_row(of_method, "mean") for method, of_method in rows.items()}
    assert means["network + motion"].ap_100ms > 0.55
    assert means["network + motion"].f1_100ms > 0.5
    assert means["motion"].ap_100ms > 0.45
    assert means["motion"].f1_100ms > 0.45
    assert means["chance"].ap_100ms < 0.2
