"""Shapes and reach of the event detector, and how its calibration moves the threshold."""

from __future__ import annotations

import pytest
import torch

from rhythmic_foley.models.event_detector import EventDetector


@pytest.fixture
def toy() -> EventDetector:
    torch.manual_seed(0)
    return EventDetector(widths=(4, 6, 8), hidden=12).eval()


@pytest.mark.parametrize("grid", [(9, 16), (16, 9), (4, 16), (16, 16)])
def test_any_grid_gives_two_logits_a_frame(toy: EventDetector, grid: tuple[int, int]):
    assert toy(torch.randn(2, 7, 8, *grid), torch.randn(2, 7, 5)).shape == (2, 7, 2)


@torch.no_grad()
def test_a_frame_is_seen_about_half_a_second_around(toy: EventDetector):
    grids, clips = torch.randn(1, 90, 8, 6, 8), torch.randn(1, 90, 5)
    plain = toy(grids, clips)
    grids[:, 45] += 1
    reached = ((toy(grids, clips) - plain).abs().sum(-1)[0] > 1e-7).nonzero().flatten()
    assert reached.min() >= 45 - 20 and reached.max() <= 45 + 20
    assert len(reached) > 20


@torch.no_grad()
def test_calibration_is_a_line_on_the_onset_logit(toy: EventDetector):
    grids, clips = torch.randn(1, 5, 8, 6, 8), torch.randn(1, 5, 5)
    onset, sounding = toy(grids, clips).unbind(-1)
    toy.register_to_config(slope=2.0, offset=-1.0)
    found = toy.probabilities(grids, clips)
    assert torch.allclose(found[..., 0], torch.sigmoid(2 * onset - 1), atol=1e-6)
    assert torch.allclose(found[..., 1], torch.sigmoid(sounding), atol=1e-6)


def test_calibration_is_saved_with_the_weights(toy: EventDetector, tmp_path):
    toy.register_to_config(slope=1.5, offset=0.25, motion_share=0.5)
    toy.to(torch.float16).save_pretrained(tmp_path)
    again = EventDetector.from_pretrained(tmp_path)
    assert (again.config.slope, again.config.offset, again.config.motion_share) == (1.5, 0.25, 0.5)
    assert torch.equal(again.stem.weight, toy.stem.weight.float())


def test_the_shipped_size_is_small():
    assert sum(p.numel() for p in EventDetector().parameters()) < 3e6
