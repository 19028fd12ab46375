"""Drawn clips with exact contacts, their features on disk, and the training stage at toy size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rhythmic_foley.evaluation.experiments.held_out_onsets import evaluate_held_out
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.training.event_detector import data, fit
from rhythmic_foley.training.event_detector.paths import Blow, bounces, kicks, strokes
from rhythmic_foley.training.event_detector.rigs import SILENT, SOUNDING, Moment
from rhythmic_foley.training.event_detector.scenes import draw_clip
from rhythmic_foley.values.curve import Curve, pick_onsets
from rhythmic_foley.vision.onset_detector import RATE_HZ, load_detector


def test_a_seed_draws_the_same_clip_every_time():
    first, again = draw_clip(3, duration_s=1.0), draw_clip(3, duration_s=1.0)
    for (time_s, frame), (other_s, other) in zip(first.frames(), again.frames(), strict=True):
        assert time_s == other_s and np.array_equal(frame, other)
    assert not np.array_equal(next(draw_clip(4).frames())[1], next(first.frames())[1])


@pytest.mark.parametrize("seed", range(8))
def test_contacts_do_not_depend_on_the_frame_rate(seed: int):
    slow, fast = (draw_clip(seed, rate_hz=rate_hz) for rate_hz in (12.0, 60.0))
    # Where the camera moves, a contact at the very edge may count as hidden in one of the two.
    assert len(set(slow.onsets_s) ^ set(fast.onsets_s)) <= 1
    assert slow.duration_s == fast.duration_s


@pytest.mark.parametrize("blow", [Blow(0.2, 2.0, 0.1, 0.3, False), Blow(0.5, 1.5, 0.0, 0.2, True)])
def test_strokes_touch_at_their_hits_at_full_speed_and_only_there(blow: Blow):
    hits_s = np.array([0.5, 1.0, 1.9])
    times_s = np.arange(0, 2.5, 0.001)
    height = strokes(times_s, hits_s, [0.6, 0.4, 0.8], blow)
    for hit_s in hits_s:
        assert height[np.searchsorted(times_s, hit_s - 1e-9)] == pytest.approx(0, abs=1e-9)
        before = height[(times_s > hit_s - 0.011) & (times_s < hit_s - 1e-9)]
        assert (np.diff(before) < 0).all() and (before[0] - before[-1]) / 0.01 > 1
    assert height.min() >= 0 and height[times_s < 0.5].min() > 0


def test_a_soft_stroke_arrives_without_speed():
    times_s = np.arange(0, 0.5, 0.001)
    height = strokes(times_s, [0.5], [1.0], Blow(0.3, 2.0, 0.0, 0.3, False, soft=True))
    assert (height[-11] - height[-1]) / 0.01 < 0.5  # on average it falls at 3.3


def test_a_ball_bounces_when_physics_says():
    times_s = np.arange(0, 4, 0.001)
    height, hits_s = bounces(times_s, 0.2, 1.0, 9.81, 0.5, 0.01)
    flight_s = np.sqrt(2 / 9.81)
    assert hits_s[:3] == pytest.approx(0.2 + flight_s * np.array([1, 2, 2.5]))
    assert len(hits_s) == 4  # the arc after the fourth would be 1/256 high
    assert np.interp(hits_s, times_s, height) == pytest.approx(0, abs=0.005)
    assert height[(times_s > hits_s[0]) & (times_s < hits_s[1])].max() == pytest.approx(0.25, abs=1e-3)


def test_a_kick_starts_at_its_hit():
    times_s = np.arange(0, 2, 0.01)
    moved = kicks(times_s, [1.0], [0.3], 0.1)
    assert not moved[times_s <= 1.0].any()
    assert times_s[moved.argmax()] == pytest.approx(1.1) and moved.max() == pytest.approx(0.3)


@pytest.mark.parametrize("kind", [*SOUNDING, *SILENT], ids=lambda kind: kind.__name__)
def test_every_rig_has_parts_at_every_time_and_contacts_with_places(kind):
    moment = Moment(np.arange(0, 4, 0.05), 0.0, 4.0)
    rigs = [kind(np.random.default_rng(seed), moment) for seed in range(6)]
    for rig in rigs:
        assert rig.places.shape == (len(rig.hits_s), 2)
        for item in rig.parts:
            assert item.place.shape == item.size.shape == (80, 2) and item.angle.shape == (80,)
            assert np.isfinite(item.place).all() and np.isfinite(item.size).all()
    assert any(len(rig.hits_s) for rig in rigs) == (kind in SOUNDING)


def test_a_widened_detector_says_the_same_at_first_and_sees_further():
    detector = EventDetector(widths=(4, 6, 8), hidden=12).eval()
    wide = detector.widened((1, 2, 4, 8)).eval()
    grids, clips = torch.randn(1, 60, 8, 9, 16), torch.randn(1, 60, 5)
    with torch.no_grad():
        assert torch.allclose(wide(grids, clips), detector(grids, clips), atol=1e-6)
    assert (detector.reach_frames, wide.reach_frames) == (20, 36)
    assert wide.config.hidden == 12 and list(wide.config.dilations) == [1, 2, 4, 8]


def test_an_output_depends_on_nothing_beyond_its_reach():
    detector = EventDetector(widths=(4, 6, 8), hidden=12).eval()
    grids, clips = torch.randn(1, 90, 8, 9, 16), torch.randn(1, 90, 5)
    changed = grids.clone()
    changed[:, 70:] += 5.0
    with torch.no_grad():
        moved = (detector(grids, clips) - detector(changed, clips)).abs().amax(dim=(0, 2)) > 0
    assert int(moved.nonzero()[0]) == 70 - detector.reach_frames


def test_targets():
    times_s = np.arange(90) / RATE_HZ
    onset = data.onset_target(times_s, np.array([1.0, 2.01]))
    assert onset[30] == 1 and onset[31] == pytest.approx(0.54, abs=0.01) and onset[45] < 1e-6
    assert (data.onset_target(times_s, np.zeros(0)) == 0).all()
    sounding = data.sounding_target(times_s, np.array([1.0, 1.5, 2.5]))
    assert not sounding[:29].any() and sounding[30:50].all() and not sounding[56:74].any() and sounding[76]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, EventDetector]:
    """A toy detector, trained for a few steps on short drawn clips; and its folder."""
    folder = tmp_path_factory.mktemp("event-detector")
    draw = data.draw_clip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "draw_clip", lambda seed: draw(seed, rate_hz=12.0, duration_s=1.2))
        patch.setattr(data, "SHARD_SEEDS", 2)
        patch.setattr(data, "WINDOW_FRAMES", 24)
        patch.setattr(fit, "_BATCH", 2)
        toy = EventDetector(widths=(4, 6, 8), hidden=12)
        return folder, fit.train_event_detector(folder / "checkpoint", folder, 20, clips=5, detector=toy)


def test_the_stage_leaves_a_detector_logs_and_shards(trained: tuple[Path, EventDetector]):
    folder, detector = trained
    again = load_detector(folder / "checkpoint")
    assert torch.allclose(again.heads.weight, detector.heads.weight, atol=1e-3)
    assert again.config.slope == detector.config.slope
    (line,) = (folder / "event-detector" / "first" / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == 20
    assert len(data.load(folder / "event-detector" / "drawn")) == 5


def test_making_clips_goes_on_where_it_stopped(trained: tuple[Path, EventDetector], monkeypatch, capsys):
    monkeypatch.setattr(data, "SHARD_SEEDS", 2)
    data.prepare(trained[0] / "event-detector" / "drawn", None, range(5))  # nothing is left to draw
    assert capsys.readouterr().out == ""


def test_batches_depend_on_the_step_alone(trained: tuple[Path, EventDetector]):
    examples = data.load(trained[0] / "event-detector" / "drawn")
    pools = [(0.4, examples[:2]), (0.6, examples[2:])]
    first, again, other = (data.draw_batch(pools, step, 3) for step in (5, 5, 6))
    assert torch.equal(first.grids, again.grids) and torch.equal(first.targets, again.targets)
    assert not torch.equal(first.grids, other.grids)
    assert first.grids.shape == (3, 72, 8, 9, 16) and first.weights.shape == (3, 72, 2)


def test_a_step_lowers_the_loss(trained: tuple[Path, EventDetector]):
    batch = data.draw_batch([(1.0, data.load(trained[0] / "event-detector" / "drawn"))], 0, 2)
    torch.manual_seed(0)
    detector = EventDetector(widths=(4, 6, 8), hidden=12)
    optimizer = torch.optim.Adam(detector.parameters(), 0.02)
    before = fit.loss(detector, batch)
    for _ in range(20):
        optimizer.zero_grad()
        fit.loss(detector, batch).backward()
        optimizer.step()
    assert fit.loss(detector, batch) < 0.8 * before


def test_the_level_gives_as_many_peaks_as_onsets():
    rng = np.random.default_rng(0)
    logits = [rng.normal(-2, 2, 300) for _ in range(3)]
    onsets_s = [np.arange(1, 1 + count) * 1.0 for count in (3, 5, 1)]
    level = fit.balanced_level(logits, onsets_s)
    curves = [Curve(np.arange(300) / RATE_HZ, 1 / (1 + np.exp(level - row))) for row in logits]
    assert sum(len(pick_onsets(curve, 0.5 - 1e-9)) for curve in curves) == 9


def test_held_out_clips_are_judged_for_each_share(trained: tuple[Path, EventDetector]):
    folder, detector = trained
    sources = {"drawn": data.load(folder / "event-detector" / "drawn")}
    rows = evaluate_held_out(detector, sources, [0.0, 0.5])
    assert [row.method for row in rows] == ["drawn, share 0", "drawn, share 0.5"]
    sounding = [len(item.onsets_s) for item in sources["drawn"] if len(item.onsets_s)]
    assert all(row.true == pytest.approx(np.mean(sounding)) and 0 <= row.ap_100ms <= 1 for row in rows)
