"""EfficientNet-lite: an image classifier small enough to look at a clip's frames on a laptop CPU.

The lite family is EfficientNet (Tan & Le, 2019) without squeeze-and-excitation and with ReLU6 in place of swish. The
defaults are lite0; tests construct it with a handful of channels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from rhythmic_foley.models.stored import StoredNetwork

# One stage a row: blocks, kernel size, stride of the first block, expansion of the hidden channels, output channels.
LITE0_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
NORM_EPSILON = 1e-3
CROP_FRACTION = 0.875


class SamePadConv2d(nn.Conv2d):
    """Convolution padded the TensorFlow way: the odd pixel of padding goes to the right and the bottom."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride))
        padding = []
        for axis in (-1, -2):
            size, kernel, stride = x.shape[axis], self.kernel_size[axis], self.stride[axis]
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            padding += [total // 2, total - total // 2]
        left, right, top, bottom = padding
        if left == right and top == bottom:  # the convolution pads by itself, without a copy of the picture
            return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups)
        return super().forward(F.pad(x, padding))


def conv_norm(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    layers = [
        SamePadConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=NORM_EPSILON),
    ]
    return nn.Sequential(*layers, nn.ReLU6(inplace=True)) if relu else nn.Sequential(*layers)


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel by itself, narrow; with a shortcut where the shape allows one."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = conv_norm(inputs, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = conv_norm(hidden, hidden, kernel, stride, groups=hidden)
        self.project = conv_norm(hidden, outputs, 1, relu=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.has_shortcut else y


class EfficientNetLite(StoredNetwork):
    """Image in, class logits out.

    Args:
        stages: rows of (blocks, kernel, stride, expansion, channels), see `LITE0_STAGES`.
        stem_channels: channels after the first convolution.
        head_channels: length of the feature vector.
        n_classes: number of classes (1000 for ImageNet).
        image_size: side in pixels of the square pictures that the weights were trained on.
    """

    def __init__(
        self,
        stages: tuple[tuple[int, int, int, int, int], ...] = LITE0_STAGES,
        stem_channels: int = 32,
        head_channels: int = 1280,
        n_classes: int = 1000,
        image_size: int = 224,
    ):
        super().__init__(
            stages=stages,
            stem_channels=stem_channels,
            head_channels=head_channels,
            n_classes=n_classes,
            image_size=image_size,
        )
        self.stem = conv_norm(3, stem_channels, 3, stride=2)
        blocks, channels = [], stem_channels
        for n_blocks, kernel, first_stride, expansion, outputs in stages:
            for i in range(n_blocks):
                stride = first_stride if i == 0 else 1
                blocks.append(InvertedBottleneck(channels, outputs, kernel, stride, expansion))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = conv_norm(channels, head_channels, 1)
        self.classifier = nn.Linear(head_channels, n_classes)

    def fuse_norms(self) -> EfficientNetLite:
        """Fold each normalisation into the convolution before it: the same function, a third faster. For use only."""
        for layers in list(self.modules()):
            if isinstance(layers, nn.Sequential) and len(layers) > 1 and isinstance(layers[1], nn.BatchNorm2d):
                layers[0], layers[1] = fuse_conv_bn_eval(layers[0], layers[1]), nn.Identity()
        return self

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Preprocessed images (B, 3, H, W) -> features (B, head_channels)."""
        return self.head(self.blocks(self.stem(images))).mean(dim=(2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Preprocessed images (B, 3, H, W) -> logits (B, n_classes)."""
        return self.classifier(self.features(images))


def central_square(image: np.ndarray, fraction: float = CROP_FRACTION) -> np.ndarray:
    """The square in the middle of an image (H, W, 3), its side `fraction` of the shorter side."""
    height, width = image.shape[:2]
    side = max(1, round(min(height, width) * fraction))
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def preprocess(image: np.ndarray, image_size: int = 224) -> torch.Tensor:
    """Scale an image to the square and the range of values that the weights were trained on.

    Args:
        image: uint8 (H, W, 3), RGB; `central_square` of a picture as in training, or a whole one, which is squeezed.
        image_size: side of the result in pixels.

    Returns:
        float32 (3, image_size, image_size), about -1 to 1.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).unsqueeze(0).float()  # (1, 3, H, W)
    # Antialiasing matters for large frames: without it a 4K picture turns to speckles.
    pixels = F.interpolate(pixels, (image_size, image_size), mode="bicubic", antialias=True, align_corners=False)
    return (pixels[0].clamp(0, 255) - 127) / 128
