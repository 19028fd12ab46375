"""Prepared scenes whose embeddings tell their caption, without any sound."""

from __future__ import annotations

import numpy as np

from rhythmic_foley.training.prepare import SceneSet

NAMES = ("dog barking", "hammering wood", "axe chopping wood", "rain")


def scene_set(count: int = 24, dim: int = 8, seed: int = 0) -> SceneSet:
    """Scenes whose embeddings tell their caption; every sixth has two captions, a hit is in each second."""
    rng = np.random.default_rng(seed)
    captions = np.full((count, 3), -1, np.int16)
    captions[:, 0] = np.arange(count) % len(NAMES)
    captions[::6, 1] = (captions[::6, 0] + 1) % len(NAMES)
    spans_s = np.zeros((count, 3, 2), np.float32)
    spans_s[:, 0] = np.stack([rng.uniform(0, 4, count), rng.uniform(7, 12, count)], axis=1)
    masks = np.zeros((count, 768), np.float16)
    masks[:, 10::62] = 0.5
    centres = np.random.default_rng(99).standard_normal((len(NAMES), 1, dim)) * 4
    embeddings = centres[captions[:, 0]] + 0.3 * rng.standard_normal((count, 48, dim))
    mels = rng.integers(0, 255, (count, 128, 768), dtype=np.uint8)
    return SceneSet(mels, embeddings.astype(np.float16), masks, captions, spans_s, NAMES)
