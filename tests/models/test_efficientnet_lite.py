"""EfficientNet-lite: shapes at toy size, numbers of the shipped weights, preprocessing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rhythmic_foley.models.efficientnet_lite import EfficientNetLite, SamePadConv2d, central_square, preprocess

WEIGHTS = Path(__file__).resolve().parents[2] / "checkpoints" / "mini" / "describer"

# Logits that the published float32 weights give for `gradient()`: the first six classes, and the three strongest.
PUBLISHED_LOGITS = [-0.3791, -0.0757, 0.8964, 0.0522, 1.1111, 2.2521]
PUBLISHED_TOP = {818: 4.2263, 604: 3.9973, 782: 3.9735}


def gradient() -> torch.Tensor:
    ramp = torch.linspace(-1, 1, 224)
    down, across = ramp[:, None].expand(224, 224), ramp[None].expand(224, 224)
    return torch.stack([down, across, (down + across) / 2]).unsqueeze(0)


@pytest.fixture
def toy() -> EfficientNetLite:
    torch.manual_seed(0)
    stages = ((1, 3, 1, 1, 4), (2, 5, 2, 2, 8))
    return EfficientNetLite(stages, stem_channels=4, head_channels=12, n_classes=5, image_size=32).eval()


@torch.no_grad()
def test_shipped_weights_give_the_published_logits():
    network = EfficientNetLite.from_pretrained(WEIGHTS)
    logits = network(gradient())[0]
    assert not network.training and sum(p.numel() for p in network.parameters()) == 4_652_008
    torch.testing.assert_close(logits[:6], torch.tensor(PUBLISHED_LOGITS), atol=0.03, rtol=0)
    torch.testing.assert_close(
        logits[list(PUBLISHED_TOP)], torch.tensor(list(PUBLISHED_TOP.values())), atol=0.03, rtol=0
    )
    assert logits.argmax() == 818


@torch.no_grad()
def test_toy_network_maps_images_to_logits(toy: EfficientNetLite):
    images = torch.rand(2, 3, 33, 47)
    assert toy.features(images).shape == (2, 12)
    assert toy(images).shape == (2, 5)
    torch.testing.assert_close(toy(images)[1:], toy(images[1:]))


@torch.no_grad()
@torch.no_grad()
def test_folded_normalisations_change_nothing():
    network, images = EfficientNetLite.from_pretrained(WEIGHTS), torch.randn(2, 3, 64, 64)
    plain = network(images)
    torch.testing.assert_close(network.fuse_norms()(images), plain, rtol=1e-3, atol=1e-3)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())


def test_saving_and_loading_keeps_the_numbers(toy: EfficientNetLite, tmp_path: Path):
    toy.save_pretrained(tmp_path)
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(EfficientNetLite.from_pretrained(tmp_path)(images), toy(images))


@torch.no_grad()
def test_padding_puts_the_odd_pixel_right_and_below():
    conv = SamePadConv2d(1, 1, 3, stride=2, bias=False)
    conv.weight.fill_(1.0)
    # Of a 4 x 4 picture, windows start at 0 and 2; only the second column and row reach one pixel over the edge.
    assert conv(torch.ones(1, 1, 4, 4))[0, 0].tolist() == [[9, 6], [6, 4]]
    assert conv(torch.ones(1, 1, 5, 5)).shape[-1] == 3


def test_preprocessing_scales_values_and_size():
    black, white = np.zeros((90, 160, 3), np.uint8), np.full((7, 5, 3), 255, np.uint8)
    assert preprocess(black, 32).shape == (3, 32, 32)
    torch.testing.assert_close(preprocess(black, 32), torch.full((3, 32, 32), -127 / 128))
    torch.testing.assert_close(preprocess(white, 32), torch.full((3, 32, 32), 1.0))


def test_central_square_leaves_an_equal_margin():
    image = np.zeros((80, 160, 3), np.uint8)
    image[5:75, 45:115] = 200
    assert central_square(image).shape == (70, 70, 3) and central_square(image).min() == 200
    assert central_square(np.zeros((1, 1, 3), np.uint8)).shape == (1, 1, 3)
