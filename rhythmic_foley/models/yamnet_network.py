"""YAMNet's layers and front end in plain torch, for those who want to hear without the libraries of diffusion."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

PATCH_FRAMES = 96  # 0.96 s
HOP_S = 0.010

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


def yamnet_layers(
    channels: tuple[int, ...], stem_channels: int, classes: int
) -> tuple[nn.Module, nn.Sequential, nn.Linear]:
    """The stem, the separable blocks and the head of a YAMNet."""
    inputs = (stem_channels, *channels[:-1])
    blocks = nn.Sequential(
        *(
            nn.Sequential(_ConvNorm(i, i, 3, stride=s, groups=i), _ConvNorm(i, o, 1))
            for i, o, s in zip(inputs, channels, STRIDES, strict=True)
        )
    )
    return _ConvNorm(1, stem_channels, 3, stride=2), blocks, nn.Linear(channels[-1], classes)


class YamnetNetwork(nn.Module):
    """MobileNet on log-mel patches of 0.96 s: 1024-number embeddings and scores of 521 AudioSet classes.

    Args:
        channels: output channels of the 13 separable blocks (smaller ones make a toy).
        classes: number of scores.
    """

    def __init__(self, channels: tuple[int, ...] = CHANNELS, stem_channels: int = 32, classes: int = 521) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = yamnet_layers(channels, stem_channels, classes)

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeds log-mel patches.

        Args:
            patches: (B, 96, 64) from `patches_at`.

        Returns:
            Embeddings (B, 1024) and class scores (B, 521) in [0, 1].
        """
        features = self.blocks(self.stem(patches[:, None])).mean(dim=(2, 3))
        return features, torch.sigmoid(self.head(features))


class _ConvNorm(nn.Sequential):
    """Convolution with TensorFlow's "same" padding, batch norm without scale, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(F.pad(x, self._same_padding(x.shape[-2:])))))

    def _same_padding(self, size: tuple[int, int]) -> list[int]:
        padding: list[int] = []
        for length in reversed(size):
            total = max((math.ceil(length / self.stride) - 1) * self.stride + self.kernel - length, 0)
            padding += [total // 2, total - total // 2]
        return padding


def yamnet_mel(wave: torch.Tensor) -> torch.Tensor:
    """YAMNet's own front end. (..., samples) at 16 kHz -> (..., 64, frames), a frame each 10 ms."""
    batch = wave.shape[:-1]
    flat = F.pad(wave.reshape(-1, wave.shape[-1]), (0, max(0, 512 - wave.shape[-1])))
    # torch centres a short window inside the FFT frame; TensorFlow puts it at the start, so frames are cut by hand.
    frames = flat.unfold(-1, 400, 160) * torch.hann_window(400, device=wave.device)
    magnitude = torch.fft.rfft(frames, 512).abs()
    mel = torch.log(magnitude @ _mel_matrix().to(wave.device) + 0.001)
    return mel.transpose(-1, -2).reshape(*batch, 64, -1)


def patches_at(mel: torch.Tensor, centres_s: torch.Tensor) -> torch.Tensor:
    """Cuts patches of 0.96 s around the given times; beyond the ends there is silence.

    Args:
        mel: (64, frames) from `yamnet_mel`.
        centres_s: (n,) seconds.

    Returns:
        (n, 96, 64).
    """
    half = PATCH_FRAMES // 2
    padded = F.pad(mel, (half, half + PATCH_FRAMES), value=math.log(0.001))
    starts = (centres_s / HOP_S).round().long().clamp(0, mel.shape[-1] + half)
    index = starts[:, None] + torch.arange(PATCH_FRAMES)
    return padded[:, index].permute(1, 2, 0)


def _mel_matrix() -> torch.Tensor:
    """HTK mel triangles, linear in mel, 125-7500 Hz. Returns (257, 64)."""
    hz = torch.linspace(0, 8000, 257, dtype=torch.float64)
    mel = 1127.0 * torch.log1p(hz / 700.0)
    edges = 1127.0 * torch.log1p(torch.tensor([125.0, 7500.0], dtype=torch.float64) / 700.0)
    edges = torch.linspace(edges[0], edges[1], 66, dtype=torch.float64)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0)
    triangles[0] = 0  # the reference leaves the DC bin out
    return triangles.float()
