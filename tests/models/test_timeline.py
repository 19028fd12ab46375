"""A timeline on latent columns: everything at its own time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rhythmic_foley.models.timeline import TimelineEmbedding


@pytest.mark.parametrize(("channels", "length"), [(2, 512), (17, 32), (3, 64)])
def test_timeline_keeps_time(channels: int, length: int) -> None:
    """A hit at one moment shows in its own latent column and its neighbours' only, at the finest step it has."""
    embedding = TimelineEmbedding(channels, length, (16, 64), 8)
    nn.init.normal_(embedding.output.weight)
    silent, hit, later = torch.zeros(3, 1, channels, length).unbind()
    hit[..., length // 2] = 1
    later[..., length // 2 + 1] = 1
    with torch.no_grad():
        change = (embedding(hit) - embedding(silent)).abs().amax(dim=(0, 1, 2))
        assert embedding(hit).shape == (1, 8, 16, 64)
        assert set(change.nonzero().flatten().tolist()) <= set(range(29, 36))
        assert change[32] > 0
        assert (embedding(hit) - embedding(later)).abs().max() > 0


def test_timelines_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="500 steps does not fit 64 latent columns"):
        TimelineEmbedding(1, 500, (16, 64), 8)
