"""CAVP, Diff-Foley's contrastive audio-visual encoders: picture and sound as features in one space, four a second.

The picture side is a SlowOnly ResNet-50 that keeps every frame, the sound side a variant of PANNs' Cnn14. Parameters
are named as in the published checkpoint, so that it loads as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn
from torch.nn import functional as F

FRAME_RATE_HZ = 4.0
FRAME_SIZE = (224, 224)  # aspect ratio is not kept
CLIP_TOKENS = 16  # features pooled to one for a clip of 4 s
CHUNK_FRAMES = 40  # the published extractor's; its convolutions see silence beyond a chunk's ends
MAX_LOGIT_SCALE = math.log(100.0)

_EXPANSION = 4  # a bottleneck's output channels over its width


class Cavp(ModelMixin, ConfigMixin):
    """Both encoders with their projections and the temperature they were trained with.

    Args:
        video_width: channels of the picture side's stem; stages have 1, 2, 4 and 8 times as many inside a block.
        video_blocks: residual blocks in each stage.
        audio_channels: of the sound side's six blocks.
        mel_bands: bands of the log-mel that the sound side reads.
        feature_dim: size of a feature.
    """

    @register_to_config
    def __init__(
        self,
        video_width: int = 64,
        video_blocks: tuple[int, int, int, int] = (3, 4, 6, 3),
        audio_channels: tuple[int, int, int, int, int, int] = (64, 128, 256, 512, 1024, 2048),
        mel_bands: int = 128,
        feature_dim: int = 512,
    ) -> None:
        super().__init__()
        self.video_encoder = _SlowOnly(video_width, video_blocks)
        self.video_project_head = nn.Linear(self.video_encoder.out_channels, feature_dim)
        self.spec_encoder = _Cnn14(audio_channels, mel_bands, feature_dim)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @apply_forward_hook
    def encode_video(self, video: torch.Tensor) -> torch.Tensor:
        """Features of the picture, computed in chunks of 10 s as the published extractor does.

        Args:
            video: (B, T, 3, 224, 224) in [0, 1] at 4 Hz, see `frames_to_video`.

        Returns:
            (B, T, D), each of length 1.
        """
        chunks = [self.project_video(chunk) for chunk in video.split(CHUNK_FRAMES, dim=1)]
        return F.normalize(torch.cat(chunks, dim=1), dim=-1)

    @apply_forward_hook
    def encode_audio(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Features of the sound.

        Args:
            log_mel: (B, 128, T) in [0, 1]. Published training used a hop of 250 samples at 16 kHz, hence 4 features a
                second; the diffusion model's hop is 256.

        Returns:
            (B, T // 16, D), each of length 1.
        """
        return F.normalize(self.project_audio(log_mel), dim=-1)

    def project_video(self, video: torch.Tensor) -> torch.Tensor:
        """(B, T, 3, H, W) in [0, 1] -> features (B, T, D) of any length, all frames in one go."""
        return self.video_project_head(self.video_encoder(video.transpose(1, 2)).transpose(1, 2))

    def project_audio(self, log_mel: torch.Tensor) -> torch.Tensor:
        """(B, 128, T) -> features (B, T // 16, D) of any length."""
        return self.spec_encoder(log_mel)

    def forward(self, video: torch.Tensor, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the contrastive objective compares.

        Args:
            video: (B, T, 3, H, W), T at least 16.
            log_mel: (B, 128, 16 T).

        Returns:
            Clip features of the picture and of the sound, both (B, T // 16, D) of length 1, and the factor for their
            similarities.
        """
        video_clips = pool_clips(self.project_video(video))
        audio_clips = pool_clips(self.project_audio(log_mel))
        return video_clips, audio_clips, self.logit_scale.clamp(0.0, MAX_LOGIT_SCALE).exp()


def pool_clips(features: torch.Tensor) -> torch.Tensor:
    """Projected features (B, T, D) -> one of length 1 for each whole clip of 16, (B, T // 16, D).

    Raises:
        ValueError: if there is no whole clip.
    """
    if features.shape[1] < CLIP_TOKENS:
        raise ValueError(f"A clip has {CLIP_TOKENS} features, not {features.shape[1]}.")
    return F.normalize(F.max_pool1d(features.transpose(1, 2), CLIP_TOKENS).transpose(1, 2), dim=-1)


def frames_to_video(frames: Iterable[torch.Tensor]) -> torch.Tensor:
    """Frames as CAVP takes them: squeezed to 224x224 with a filter that smooths, and nothing else.

    Args:
        frames: uint8 (H, W, 3) RGB of any size, at 4 Hz; one at a time is enough.

    Returns:
        (1, T, 3, 224, 224) in [0, 1].
    """
    small = []
    for frame in frames:
        picture = frame.permute(2, 0, 1)[None]
        if picture.shape[2:] != FRAME_SIZE:
            picture = F.interpolate(picture.float(), FRAME_SIZE, mode="bilinear", antialias=True).round()
        small.append(picture[0].float() / 255.0)
    return torch.stack(small)[None]


class _SlowOnly(nn.Module):
    """3-D ResNet without stride in time. (B, 3, T, H, W) -> (B, C, T)."""

    def __init__(self, width: int, blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1 = _ConvNorm(3, width, (1, 7, 7), stride=2)
        channels = width
        for stage, depth in enumerate(blocks):
            inner = width * 2**stage
            # The last two stages look at neighbouring frames.
            time_kernel = 3 if stage >= 2 else 1
            layer = nn.Sequential()
            for block in range(depth):
                stride = 2 if block == 0 and stage > 0 else 1
                layer.append(_Bottleneck(channels, inner, time_kernel, stride, downsample=block == 0))
                channels = inner * _EXPANSION
            self.add_module(f"layer{stage + 1}", layer)
        self.out_channels = channels

    def forward(self, video: torch.Tensor) -> torch.Tensor:
        x = F.max_pool3d(F.relu(self.conv1(video)), (1, 3, 3), (1, 2, 2), (0, 1, 1))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return x.mean(dim=(3, 4))


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, inner: int, time_kernel: int, stride: int, downsample: bool) -> None:
        super().__init__()
        outer = inner * _EXPANSION
        self.conv1 = _ConvNorm(channels, inner, (time_kernel, 1, 1))
        self.conv2 = _ConvNorm(inner, inner, (1, 3, 3), stride)
        self.conv3 = _ConvNorm(inner, outer, (1, 1, 1))
        self.downsample = _ConvNorm(channels, outer, (1, 1, 1), stride) if downsample else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = F.relu(self.conv2(F.relu(self.conv1(x))))
        return F.relu(self.conv3(inner) + self.downsample(x))


class _ConvNorm(nn.Module):
    """Convolution that keeps the length (divided by the stride, in space only), then batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int, int], stride: int = 1) -> None:
        super().__init__()
        padding = tuple(k // 2 for k in kernel)
        self.conv = nn.Conv3d(inputs, outputs, kernel, (1, stride, stride), padding, bias=False)
        self.bn = nn.BatchNorm3d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn(self.conv(x))


class _Cnn14(nn.Module):
    """PANNs' Cnn14 that keeps a feature for every 16 mel columns. (B, bands, T) -> (B, T // 16, D)."""

    # (time, mel): the last two blocks leave time as it is.
    _POOLS = ((2, 2), (2, 2), (2, 2), (2, 2), (1, 2), (1, 1))

    def __init__(self, channels: tuple[int, ...], mel_bands: int, feature_dim: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(mel_bands)
        for number, (inputs, outputs) in enumerate(zip((1, *channels[:-1]), channels, strict=True), start=1):
            self.add_module(f"conv_block{number}", _ConvBlock(inputs, outputs))
        self.fc1 = nn.Linear(channels[-1], channels[-1])
        self.final_project = nn.Linear(channels[-1], feature_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        x = self.bn(log_mel[..., None]).permute(0, 3, 2, 1)  # (B, 1, T, bands)
        for number, pool in enumerate(self._POOLS, start=1):
            x = self.dropout(F.avg_pool2d(self.get_submodule(f"conv_block{number}")(x), pool))
        x = x.mean(dim=3)  # (B, C, T // 16)
        x = F.max_pool1d(x, 3, 1, 1) + F.avg_pool1d(x, 3, 1, 1)
        x = self.dropout(x).transpose(1, 2)
        # The published network runs this layer twice.
        x = F.relu(self.fc1(F.relu(self.fc1(x))))
        return self.final_project(self.dropout(x))


class _ConvBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
