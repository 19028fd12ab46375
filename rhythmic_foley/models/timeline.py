"""Something told over time, laid on the columns of a latent."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class TimelineEmbedding(nn.Module):
    """A timeline (B, C, L) as features on the latent's columns, (B, width, rows, columns)."""

    def __init__(self, channels: int, length: int, sample_size: tuple[int, int], width: int) -> None:
        super().__init__()
        rows, self.columns = sample_size
        self.fold = max(1, length // self.columns)
        self.repeat = max(1, self.columns // length)
        if self.fold * self.columns != length * self.repeat:
            raise ValueError(f"A timeline of {length} steps does not fit {self.columns} latent columns.")
        self.conv1 = nn.Conv1d(channels * self.fold, 2 * width, 3, padding=1)
        self.conv2 = nn.Conv1d(2 * width, 2 * width, 3, padding=1)
        self.rows = nn.Parameter(torch.zeros(1, 2 * width, rows, 1))  # lets a hit look different in each mel band
        self.output = nn.Conv2d(2 * width, width, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, timeline: torch.Tensor) -> torch.Tensor:
        batch, channels, _ = timeline.shape
        x = timeline.repeat_interleave(self.repeat, dim=-1)
        x = x.reshape(batch, channels, self.columns, self.fold).transpose(2, 3)
        x = x.reshape(batch, channels * self.fold, self.columns)
        x = self.conv2(F.silu(self.conv1(x)))
        return self.output(F.silu(x[:, :, None, :] + self.rows))
