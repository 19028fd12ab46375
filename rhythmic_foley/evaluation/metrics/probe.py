"""A linear ear: logistic regression on what YAMNet hears in a window, taught on real recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rhythmic_foley.audio.signal import resample
from rhythmic_foley.evaluation.metrics.hearing import SILENCE
from rhythmic_foley.models.yamnet import Yamnet, patches_at, yamnet_mel
from rhythmic_foley.training.batches import WINDOW_TOKENS
from rhythmic_foley.training.prepare import TOKEN_S

_RATE_HZ = 16_000


@torch.inference_mode()
def window_features(network: Yamnet, wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """(samples,) of a window -> (D,): square root of the mean of YAMNet's embeddings over the patches that sound.

    The peak is scaled to 1 first. Patches of 0.96 s begin each 0.512 s and count as far as YAMNet does not hear
    silence in them.
    """
    wave = wave / max(float(np.abs(wave).max(initial=0.0)), 1e-4)
    mel = yamnet_mel(torch.from_numpy(resample(wave.astype(np.float32), sample_rate_hz, _RATE_HZ)))
    centres_s = (torch.arange(1, WINDOW_TOKENS, 2) + 0.5) * TOKEN_S
    embeddings, scores = network(patches_at(mel, centres_s))
    weights = (1 - scores[:, SILENCE] + 1e-3)[:, None]
    return ((weights * embeddings).sum(dim=0) / weights.sum()).clamp(min=0).sqrt().numpy()


@dataclass(frozen=True)
class Probe:
    """Logistic regression on standardised features, each class counting the same.

    Attributes:
        classes: what it tells apart, sorted.
    """

    classes: tuple[str, ...]
    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, labels: Sequence[str], *, decay: float = 3.0) -> Probe:
        """Fits (N, D) features to N labels.

        Args:
            decay: weight of the squared weights; the larger, the flatter.
        """
        classes, targets = np.unique(np.asarray(labels), return_inverse=True)
        mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-3 * features.std() + 1e-9
        x = torch.from_numpy((features - mean) / deviation).float() / features.shape[1] ** 0.5
        y = torch.from_numpy(targets)
        share = 1 / torch.bincount(y).float()
        weights = torch.zeros(features.shape[1], len(classes), requires_grad=True)
        bias = torch.zeros(len(classes), requires_grad=True)
        optimizer = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            optimizer.zero_grad()
            error = torch.nn.functional.cross_entropy(x @ weights + bias, y, weight=share)
            total = error + decay * weights.square().mean()
            total.backward()
            return total

        optimizer.step(loss)
        fitted = weights.detach().numpy() / features.shape[1] ** 0.5
        return cls(tuple(classes.tolist()), mean, deviation, fitted, bias.detach().numpy())

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, classes) logits."""
        return (features - self.mean) / self.deviation @ self.weights + self.bias

    def ranks(self, features: np.ndarray, asked: Sequence[str]) -> np.ndarray:
        """At which place, from 0, the asked class of each row comes. (N, D) -> (N,)."""
        scores = self.scores(features)
        own = scores[np.arange(len(scores)), [self.classes.index(kind) for kind in asked]]
        return (scores > own[:, None]).sum(axis=1)

    def first(self, features: np.ndarray) -> list[str]:
        """The class of each row that it hears first."""
        return [self.classes[best] for best in self.scores(features).argmax(axis=1)]
