"""What YAMNet hears in windows of sound, and how far two sets of windows are apart in that.

Windows are compared patch by patch of 0.96 s, so that a few dozen windows give hundreds of samples, on a few principal
axes of real sounds, so that a Frechet distance of so few is not mostly the bias of an estimated covariance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rhythmic_foley.evaluation.metrics.distances import frechet_distance, kl_divergences
from rhythmic_foley.evaluation.metrics.networks import yamnet_classes
from rhythmic_foley.evaluation.metrics.onset_metrics import resample
from rhythmic_foley.models.yamnet import Yamnet, patches_at, yamnet_mel
from rhythmic_foley.training.batches import WINDOW_TOKENS
from rhythmic_foley.training.prepare import TOKEN_S

TOP = 5
# Patches that lie within the window: at its edges a real one would hear what comes before and after. Every second one,
# since neighbours overlap by three quarters.
PATCHES = range(2, WINDOW_TOKENS - 2, 2)
SILENCE = yamnet_classes().index("Silence")
_RATE_HZ = 16_000


@dataclass(frozen=True)
class Heard:
    """One window.

    Attributes:
        features: (14, D), one row a patch.
        logits: (521,), mean over the patches, each counting as far as it is not silent.
        scores: (521,) likewise, in [0, 1], the class Silence set to 0.
    """

    features: np.ndarray
    logits: np.ndarray
    scores: np.ndarray

    @property
    def tags(self) -> frozenset[int]:
        """The five classes of the highest scores."""
        return top_tags(self.scores)


def top_tags(scores: np.ndarray) -> frozenset[int]:
    """Indices of the five highest of (521,)."""
    return frozenset(np.argsort(-scores, kind="stable")[:TOP].tolist())


@torch.inference_mode()
def hear(network: Yamnet, embeddings: np.ndarray) -> Heard:
    """From YAMNet's embeddings (32, D) at the tokens of a window."""
    features = torch.from_numpy(embeddings[list(PATCHES)]).float()
    logits = network.head(features)
    scores = torch.sigmoid(logits)
    weights = (1 - scores[:, SILENCE] + 1e-3)[:, None]
    logits, scores = ((weights * x).sum(dim=0) / weights.sum() for x in (logits, scores))
    scores[SILENCE] = 0
    return Heard(features.numpy(), logits.numpy(), scores.numpy())


@torch.inference_mode()
def hear_wave(network: Yamnet, wave: np.ndarray, sample_rate_hz: int) -> Heard:
    """From the sound of a window, (samples,)."""
    mel = yamnet_mel(torch.from_numpy(resample(wave, sample_rate_hz, _RATE_HZ)))
    embeddings = np.zeros((WINDOW_TOKENS, network.config.channels[-1]), np.float32)
    centres_s = (torch.tensor(list(PATCHES)) + 0.5) * TOKEN_S
    embeddings[list(PATCHES)] = network(patches_at(mel, centres_s))[0].numpy()
    return hear(network, embeddings)


@dataclass(frozen=True)
class Axes:
    """Principal axes of real features: the mean (D,) and the axes (D, K)."""

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, count: int) -> Axes:
        """The `count` axes along which (N, D) varies most."""
        mean = features.mean(axis=0)
        _, _, rows = np.linalg.svd(features - mean, full_matrices=False)
        return cls(mean, rows[:count].T)

    def project(self, features: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, K)."""
        return (features - self.mean) @ self.axes


def set_distance(real: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """Frechet distance of two sets of windows, each (patches, K)."""
    return max(0.0, frechet_distance(np.concatenate(real), np.concatenate(other)))


def mean_divergence(reference: Sequence[Heard], heard: Heard) -> float:
    """KL(reference || heard) of YAMNet's classes, mean over the reference windows."""
    real = np.stack([one.logits for one in reference])
    return float(kl_divergences(real, np.tile(heard.logits, (len(real), 1))).mean())


def shares_a_tag(reference: Sequence[Heard], heard: Heard) -> bool:
    """Whether one of the five tags of the reference windows (by their mean scores) is among the five of `heard`."""
    return bool(top_tags(np.mean([one.scores for one in reference], axis=0)) & heard.tags)
