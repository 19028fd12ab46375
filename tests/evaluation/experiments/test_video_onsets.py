"""Scores of onsets seen in the picture, on hand-made lists and on a drawn clip."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.video_onsets import average_precision, evaluate_clips, format_rows, main
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


def test_a_clear_clip_scores_high_and_only_judged_seconds_count(folder):
    rows = {(row.clip, row.method): row for row in evaluate_clips(folder, folder / "clips.csv")}
    assert {clip for clip, _ in rows} == {"ball", "mean"}
    motion = rows["ball", "motion"]
    assert motion.true == 4  # the fifth bounce lies past judge_to_s
    assert motion.ap_50ms > 0.95 and motion.f1_50ms > 0.85
    assert abs(motion.offset_ms) < 15
    assert motion.f1_50ms > rows["ball", "chance"].f1_50ms + 0.5
    assert rows["mean", "motion"].ap_50ms == motion.ap_50ms


def test_a_detector_adds_itself_and_its_mean_with_motion(folder):
    detector = EventDetector(widths=(4, 6, 8), hidden=12, motion_share=0.5).eval()
    with torch.no_grad():
        for parameter in detector.heads.parameters():
            parameter.zero_()  # every probability is 0.5: no peak of its own
    means = {row.method: row for row in evaluate_clips(folder, folder / "clips.csv", detector=detector)}
    assert set(means) == {"network", "network + motion", "motion", "frame difference", "chance"}
    assert means["network"].ap_100ms == 0
    assert means["network + motion"].ap_100ms == pytest.approx(means["motion"].ap_100ms, abs=0.1)


def test_chance_is_near_what_counting_says(folder):
    chance = {(row.clip, row.method): row for row in evaluate_clips(folder, folder / "clips.csv")}["ball", "chance"]
    # Each of 4 throws lands within 0.1 s of one of 4 times with probability 4 * 0.2 / 2.2 = 0.36; sharing costs some.
    assert 0.2 < chance.f1_100ms < 0.37
    assert chance.f1_50ms < chance.f1_100ms


def test_the_command_prints_the_table(folder, capsys):
    assert main([str(folder), str(folder / "clips.csv")]) == 0
    printed = capsys.readouterr().out
    methods = 3 if load_detector(find_checkpoint("mini")) is None else 5
    assert printed.count("\n") == 2 + 2 * methods
    assert "| ball | motion | 4 |" in printed


def test_a_table_without_judgeable_rows_or_columns_gives_one_sentence(tmp_path, capsys):
    (tmp_path / "a.csv").write_text(f"{_HEAD}\nx,no,0,1,0.5\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("clip,times\nx,1\n", encoding="utf-8")
    for name in ("a.csv", "b.csv", "absent.csv"):
        with pytest.raises(FoleyError):
            evaluate_clips(tmp_path, tmp_path / name)
    assert main([str(tmp_path), str(tmp_path / "b.csv")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_format_has_one_line_a_row(folder):
    rows = evaluate_clips(folder, folder / "clips.csv")
    assert len(format_rows(rows).splitlines()) == len(rows) + 2


def test_real_clips_are_clearly_above_chance(shared_dir):
    found = evaluate_clips(
        shared_dir / "clips", shared_dir / "clips" / "clips.csv", detector=load_detector(find_checkpoint("mini"))
    )
    rows = {row.method: row for row in found if row.clip == "mean"}
    assert rows["network + motion"].ap_100ms > 0.55
    assert rows["network + motion"].f1_100ms > 0.5
    assert rows["motion"].ap_100ms > 0.45
    assert rows["motion"].f1_100ms > 0.45
    assert rows["chance"].ap_100ms < 0.2
