"""Synchformer: by how much does a clip's sound come too early or too late?

Segments of 0.64 s, of the picture and of the sound, are each read by a transformer of their own; a third one puts all
of them in a row and says which of 21 offsets it sees. Written from the published description of v-iashin/Synchformer;
the picture's part is Motionformer with divided attention, the sound's an AST.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

_EPS = 1e-6
_AST_EPS = 1e-12


@dataclass(frozen=True)
class SynchformerSize:
    """As published; smaller numbers make a toy.

    Attributes:
        side: of a square picture, in pixels; made of square patches.
        frames: of a segment; `tube` of them make a token.
        bands: of the mel of a segment, which has `columns` frames; patches overlap by all but `stride`.
        segments: that are compared at once.
        offsets: classes, equally spaced.
    """

    width: int = 768
    depth: int = 12
    heads: int = 12
    side: int = 224
    patch: int = 16
    frames: int = 16
    tube: int = 2
    bands: int = 128
    columns: int = 66
    stride: int = 10
    segments: int = 14
    sync_depth: int = 3
    sync_heads: int = 8
    offsets: int = 21

    @property
    def video_tokens(self) -> int:
        """Of a segment, after its picture is pooled."""
        return self.frames // self.tube

    @property
    def audio_grid(self) -> tuple[int, int]:
        """Patches of a segment's mel, (up, along)."""
        return (self.bands - self.patch) // self.stride + 1, (self.columns - self.patch) // self.stride + 1


class Synchformer(nn.Module):
    """Both readers and what compares them."""

    def __init__(self, size: SynchformerSize = SynchformerSize()) -> None:
        super().__init__()
        self.size = size
        self.video = VideoReader(size)
        self.audio = AudioReader(size)
        self.sync = Comparison(size)

    def forward(self, frames: torch.Tensor, mels: torch.Tensor) -> torch.Tensor:
        """Logits of the offsets of one clip.

        Args:
            frames: (segments, 3, frames, side, side) in -1..1.
            mels: (segments, bands, columns), normalised.

        Returns:
            (offsets,).
        """
        return self.sync(self.video(frames), self.audio(mels))


class VideoReader(nn.Module):
    """(S, 3, frames, side, side) -> (S, frames / tube, width)."""

    def __init__(self, size: SynchformerSize) -> None:
        super().__init__()
        block = (size.tube, size.patch, size.patch)
        self.patches = nn.Conv3d(3, size.width, block, stride=block)
        self.first = _vectors(size, 1)
        self.place = _vectors(size, 1 + (size.side // size.patch) ** 2)
        self.moment = _vectors(size, size.video_tokens)
        self.blocks = nn.ModuleList(_DividedBlock(size.width, size.heads) for _ in range(size.depth))
        self.norm = nn.LayerNorm(size.width, _EPS)
        self.pool = _Pool(size.width, size.heads, _EPS)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = self.patches(frames).flatten(3).permute(0, 2, 3, 1)  # (S, moments, places, width)
        x = x + self.place[:, 1:].unsqueeze(1) + self.moment.unsqueeze(2)
        segments, moments = x.shape[:2]
        x = torch.cat(((self.first + self.place[:, :1]).expand(segments, -1, -1), x.flatten(1, 2)), dim=1)
        for block in self.blocks:
            x = block(x, moments)
        x = self.norm(x[:, 1:])
        return self.pool(x.unflatten(1, (moments, -1)).flatten(0, 1)).unflatten(0, (segments, moments))


class AudioReader(nn.Module):
    """(S, bands, columns) -> (S, patches along, width)."""

    def __init__(self, size: SynchformerSize) -> None:
        super().__init__()
        self.grid = size.audio_grid
        self.patches = nn.Conv2d(1, size.width, size.patch, stride=size.stride)
        self.first, self.second = _vectors(size, 1), _vectors(size, 1)
        self.place = _vectors(size, 2 + self.grid[0] * self.grid[1])
        self.blocks = nn.ModuleList(_Block(size.width, size.heads, _AST_EPS) for _ in range(size.depth))
        self.norm = nn.LayerNorm(size.width, _AST_EPS)
        self.pool = _Pool(size.width, size.heads, _EPS)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        x = self.patches(mels.unsqueeze(1)).flatten(2).transpose(1, 2)
        extra = torch.cat((self.first, self.second), dim=1).expand(len(x), -1, -1)
        x = torch.cat((extra, x), dim=1) + self.place
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)[:, 2:].unflatten(1, self.grid).transpose(1, 2)  # (S, along, up, width)
        return self.pool(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Comparison(nn.Module):
    """(segments, video tokens, width) and (segments, audio tokens, width) -> (offsets,)."""

    def __init__(self, size: SynchformerSize) -> None:
        super().__init__()
        self.video, self.audio = nn.Linear(size.width, size.width), nn.Linear(size.width, size.width)
        self.video_norm, self.audio_norm = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.first, self.between = _vectors(size, 1), _vectors(size, 1)
        self.place = _vectors(size, 2 + size.segments * (size.video_tokens + size.audio_grid[1]))
        self.blocks = nn.ModuleList(_Block(size.width, size.sync_heads, 1e-5) for _ in range(size.sync_depth))
        self.norm = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, size.offsets)

    def forward(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        seen = self.video_norm(self.video(video)).flatten(0, 1)[None]
        heard = self.audio_norm(self.audio(audio)).flatten(0, 1)[None]
        x = torch.cat((self.first, seen, self.between, heard), dim=1) + self.place
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[0, 0]))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._joined(F.scaled_dot_product_attention(*self._split(x)))

    def _split(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, N, width) -> queries, keys and values, each (B, heads, N, width / heads)."""
        return tuple(one(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in (self.q, self.k, self.v))

    def _joined(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(x.transpose(1, 2).flatten(2))


class _DividedAttention(_Attention):
    """The first token looks at all; every other one at the first and those of its own place, or of its own moment."""

    def __init__(self, width: int, heads: int, *, over_time: bool) -> None:
        super().__init__(width, heads)
        self.over_time = over_time

    def forward(self, x: torch.Tensor, moments: int) -> torch.Tensor:
        q, k, v = self._split(x)
        first = F.scaled_dot_product_attention(q[:, :, :1], k, v)
        rest = F.scaled_dot_product_attention(
            self._groups(q[:, :, 1:], moments), *(self._with_first(one, moments) for one in (k, v))
        )
        rest = rest.transpose(2, 3) if self.over_time else rest
        return self._joined(torch.cat((first, rest.flatten(2, 3)), dim=2))

    def _groups(self, x: torch.Tensor, moments: int) -> torch.Tensor:
        """(B, heads, moments * places, D) -> (B, heads, groups, members, D)."""
        x = x.unflatten(2, (moments, -1))
        return x.transpose(2, 3) if self.over_time else x

    def _with_first(self, x: torch.Tensor, moments: int) -> torch.Tensor:
        groups = self._groups(x[:, :, 1:], moments)
        first = x[:, :, :1].unsqueeze(2).expand(-1, -1, groups.shape[2], -1, -1)
        return torch.cat((first, groups), dim=3)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.attention = _Attention(width, heads)
        self.mlp = _mlp(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _DividedBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width, _EPS) for _ in range(3))
        self.time = _DividedAttention(width, heads, over_time=True)
        self.space = _DividedAttention(width, heads, over_time=False)
        self.mlp = _mlp(width)

    def forward(self, x: torch.Tensor, moments: int) -> torch.Tensor:
        x = x + self.time(self.norm3(x), moments)
        x = x + self.space(self.norm1(x), moments)
        return x + self.mlp(self.norm2(x))


class _Pool(_Block):
    """(B, N, width) -> (B, width): what a token in front of them has gathered."""

    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__(width, heads, eps)
        self.first = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.cat((self.first.expand(len(x), -1, -1), x), dim=1))[:, 0]


def _mlp(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


def _vectors(size: SynchformerSize, count: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(1, count, size.width))
