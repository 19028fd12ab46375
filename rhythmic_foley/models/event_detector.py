"""Hears with its eyes: from motion on a coarse grid to the probability that a sound starts, 30 times a second.

Convolutions over the grid and over time alternate, as in an R(2+1)D network (https://arxiv.org/abs/1711.11248), but on
measured motion instead of colours, so that what is learned from drawings holds for film.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from rhythmic_foley.models.stored import StoredNetwork

GRID_CHANNELS, CLIP_CHANNELS = 8, 5
_HALF = 2  # frames on each side that a convolution over time reads
_DROPOUT = 0.1


class EventDetector(StoredNetwork):
    """Onset and event track of a clip.

    Args:
        grid_channels: features of a block of the picture.
        clip_channels: features of the whole picture.
        widths: channels at the full grid and after each halving of it.
        hidden: channels once the grid is pooled.
        dilations: of the convolutions over time that follow, one after the other.
        slope: of the line that turns onset logits into calibrated ones; `offset` is its height at 0.
        motion_share: how much of the proposal is the motion curve's, 0..1, the rest being the network's.
    """

    def __init__(
        self,
        grid_channels: int = GRID_CHANNELS,
        clip_channels: int = CLIP_CHANNELS,
        widths: tuple[int, ...] = (16, 32, 64),
        hidden: int = 96,
        dilations: tuple[int, ...] = (1, 2, 4),
        slope: float = 1.0,
        offset: float = 0.0,
        motion_share: float = 0.0,
    ) -> None:
        super().__init__(
            grid_channels=grid_channels,
            clip_channels=clip_channels,
            widths=widths,
            hidden=hidden,
            dilations=dilations,
            slope=slope,
            offset=offset,
            motion_share=motion_share,
        )
        self.stem = nn.Conv2d(grid_channels + clip_channels, widths[0], 3, padding=1)
        self.stages = nn.ModuleList(_SpaceTime(width) for width in widths)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.pooled = nn.Linear(2 * widths[-1] + clip_channels, hidden)
        self.times = nn.ModuleList(_Time(hidden, dilation) for dilation in dilations)
        self.dropout = nn.Dropout(_DROPOUT)
        self.heads = nn.Linear(hidden, 2)

    def forward(self, grids: torch.Tensor, clips: torch.Tensor) -> torch.Tensor:
        """Grids (B, T, C, rows, columns), clip features (B, T, D) -> logits (B, T, 2): a sound starts; one sounds."""
        batch, frames, _, rows, columns = grids.shape
        spread = clips[..., None, None].expand(*clips.shape, rows, columns)
        x = self.stem(torch.cat([grids, spread], dim=2).flatten(0, 1))  # (B T, C, rows, columns)
        for index, stage in enumerate(self.stages):
            x = stage(x, batch)
            if index < len(self.downs):
                x = self.downs[index](x)
        x = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1).unflatten(0, (batch, frames))
        x = self.dropout(self.pooled(torch.cat([x, clips], dim=-1)))
        for layer in self.times:
            x = layer(x)
        return self.heads(self.dropout(F.gelu(x)))

    @property
    def reach_frames(self) -> int:
        """How many frames before and after it an output depends on."""
        return _HALF * (len(self.stages) + sum(self.config.dilations))

    def widened(self, dilations: tuple[int, ...]) -> EventDetector:
        """A detector that sees further, with more convolutions over time; at first it says exactly what this one says.

        Args:
            dilations: of all its convolutions; those of this detector come first.
        """
        wide = EventDetector(**{**vars(self.config), "dilations": tuple(dilations)})
        for layer in wide.times[len(self.times) :]:
            nn.init.zeros_(layer.conv.weight)
            nn.init.zeros_(layer.conv.bias)
        wide.load_state_dict(self.state_dict(), strict=False)
        return wide

    def probabilities(self, grids: torch.Tensor, clips: torch.Tensor) -> torch.Tensor:
        """As `forward`, but calibrated probabilities: at 0.5 about as many onsets are missed as are made up."""
        onset, sounding = self(grids, clips).unbind(-1)
        return torch.stack([self.config.slope * onset + self.config.offset, sounding], dim=-1).sigmoid()


class _SpaceTime(nn.Module):
    """A residual convolution over the grid, then one over time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.space_norm, self.space = nn.LayerNorm(width), nn.Conv2d(width, width, 3, padding=1)
        self.time_norm, self.time = (
            nn.LayerNorm(width),
            nn.Conv2d(width, width, (2 * _HALF + 1, 1), padding=(_HALF, 0)),
        )

    def forward(self, x: torch.Tensor, batch: int) -> torch.Tensor:
        """(B T, C, rows, columns) -> the same."""
        x = x + self.space(F.gelu(_over_channels(self.space_norm, x)))
        flat = _over_channels(self.time_norm, x).unflatten(0, (batch, -1)).flatten(3).transpose(1, 2)  # (B, C, T, P)
        moved = self.time(F.gelu(flat)).transpose(1, 2).flatten(0, 1)
        return x + moved.reshape(x.shape)


class _Time(nn.Module):
    """A residual convolution over time."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, 2 * _HALF + 1, padding=_HALF * dilation, dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, C) -> the same."""
        return x + self.conv(F.gelu(self.norm(x)).transpose(1, 2)).transpose(1, 2)


def _over_channels(norm: nn.LayerNorm, x: torch.Tensor) -> torch.Tensor:
    return norm(x.movedim(1, -1)).movedim(-1, 1)
