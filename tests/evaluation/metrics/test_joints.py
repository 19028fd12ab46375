"""Joints and lengths measured on made sounds and rows whose answers are known, and on the toy model."""

from __future__ import annotations

import numpy as np
import pytest
from toy import toy_pipeline

from rhythmic_foley.evaluation.experiments.long_clips import LongRow, print_lengths, slope, write_long_clip
from rhythmic_foley.evaluation.metrics.joints import changes, compare_joints, places, print_joints
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.values.windows import plan_windows

FRAMES = round(23.0 * 62.5)


def test_a_joint_is_measured_against_the_inside_of_windows():
    windows = plan_windows(22.0)
    joints, inside = places(windows)
    assert joints == pytest.approx([7.168, 14.336])
    assert all(window.start_s + 1.5 < at < window.end_s - 2.5 for window, at in zip(windows, inside, strict=True))


def test_changes_are_in_decibels():
    mel = np.full((128, FRAMES), 0.5)
    mel[:, round(8.0 * 62.5) :] = 0.53  # 3 dB louder from within the first overlap on
    found = changes(mel, [7.168, 14.336])
    np.testing.assert_allclose(found.energy_db, [3.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(found.spectrum_db, [3.0, 0.0], atol=1e-6)


def test_another_colour_of_the_same_energy_changes_the_spectrum_alone():
    mel = np.zeros((128, FRAMES))
    mel[:64, :500], mel[64:, 500:] = 0.5, 0.5
    found = changes(mel, [7.5])
    assert found.energy_db[0] == pytest.approx(0.0, abs=1e-6) and found.spectrum_db[0] == pytest.approx(50.0)


def test_a_dip_within_the_overlap_is_seen():
    mel = np.full((128, FRAMES), 0.5)
    mel[:, 448:512] -= 0.02
    assert changes(mel, [7.168]).within_db[0] == pytest.approx(-2.0, abs=0.01)


def test_windows_of_the_toy_share_memory_unless_they_are_made_apart():
    """No seam: across joints the sound changes as much as anywhere else."""
    rows = list(compare_joints(toy_pipeline(), sounds=("rain falling",), joints=2, steps=2))
    assert [row.method for row in rows] == ["apart", "in turn", "alternating"]
    assert len(rows[0].joints.energy_db) == 2 and len(rows[0].inside.energy_db) == 3
    energy, energy_inside, spectrum, spectrum_inside, within = rows[-1].cells()
    assert energy < 2 * energy_inside + 0.5 and spectrum < 1.5 * spectrum_inside
    assert abs(within) < energy_inside  # a dip is less than what changes anyway within a window
    assert print_joints(rows).count("\n") == 4


def test_the_line_through_the_lengths():
    rows = [LongRow(length_s, 3.0 * length_s + 5.0, 1.0, 400.0, 600.0) for length_s in (10.0, 20.0, 40.0)]
    assert slope(rows).startswith("3.00 CPU s for each second of clip and 5 s at once; no length is off")
    assert "| 40 s | 125 s | 3.12 s | 200 MiB |" in print_lengths(rows)


def test_a_long_clip_is_a_short_one_again_and_again(tmp_path):
    path = write_long_clip(tmp_path / "clip.mp4", 15.0, (96, 64))
    assert probe(path).duration_s == pytest.approx(15.0) and probe(path).frames == 450
    shown = {round(time_s): image for time_s, image in read_frames(path, 1.0)}
    np.testing.assert_array_equal(shown[1], shown[11])
    assert list(tmp_path.iterdir()) == [path]
