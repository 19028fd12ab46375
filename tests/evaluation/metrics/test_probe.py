"""The linear ear: it tells classes apart, ranks what was asked for, and hears neither level nor silence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rhythmic_foley.evaluation.metrics.probe import Probe, window_features
from rhythmic_foley.models.yamnet import Yamnet


def clouds(counts: dict[str, int], seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Points around the corners of a simplex, one corner a class."""
    rng = np.random.default_rng(seed)
    labels = [name for name, count in counts.items() for _ in range(count)]
    corners = 3 * np.eye(len(counts), 6)[[sorted(counts).index(label) for label in labels]]
    return corners + rng.standard_normal(corners.shape), labels


def test_classes_are_told_apart_and_ranked() -> None:
    probe = Probe.fit(*clouds({"bell": 60, "dog": 60, "rain": 60}))
    features, labels = clouds({"bell": 50, "dog": 50, "rain": 50}, seed=1)
    assert probe.classes == ("bell", "dog", "rain")
    assert np.mean([a == b for a, b in zip(probe.first(features), labels, strict=True)]) > 0.9
    ranks = probe.ranks(features, labels)
    assert (ranks == 0).mean() > 0.9 and ranks.max() <= 2
    assert probe.ranks(features[:50], ["rain"] * 50).mean() > 1


def test_a_rare_class_counts_as_much_as_a_frequent_one() -> None:
    probe = Probe.fit(*clouds({"bell": 200, "dog": 8}))
    features, labels = clouds({"bell": 100, "dog": 100}, seed=1)
    heard = np.array(probe.first(features))
    assert (heard[:100] == "bell").mean() == pytest.approx((heard[100:] == "dog").mean(), abs=0.15)


def test_level_and_silence_around_a_sound_do_not_matter() -> None:
    torch.manual_seed(0)
    network = Yamnet(channels=(8,) * 13, stem_channels=4).eval()
    with torch.no_grad():
        network.head.bias[494] = -20.0  # never heard as silence, which a toy cannot know
    wave = np.random.default_rng(0).standard_normal(131_072).astype(np.float32) * 0.2
    features = window_features(network, wave, 16_000)
    assert features.shape == (8,)
    np.testing.assert_allclose(window_features(network, 0.1 * wave, 16_000), features, rtol=1e-3, atol=1e-5)
