"""Distances between sets of network outputs, to the digit as the published evaluations compute them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

KL_FLOOR = 1e-6
DESYNC_GRID_S = tuple(step / 5 for step in range(-10, 11))  # -2 to 2 s


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Squared Frechet distance of two Gaussians fitted to features (FID, FAD, FD, according to the network).

    Biased upward for few samples: compare only at equal numbers. The trace of the root of the covariances' product is
    taken in float64 as the sum of the singular values of the product of the centred features, which equals the usual
    matrix square root and stays exact with fewer samples than dimensions.

    Args:
        real: (N, D), N at least 2.
        generated: (M, D), M at least 2.
    """
    if min(len(real), len(generated)) < 2:
        raise ValueError("the covariance of fewer than two samples is not defined")
    one, other = _factor(real), _factor(generated)
    shift = np.mean(real, axis=0, dtype=np.float64) - np.mean(generated, axis=0, dtype=np.float64)
    cross = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    return float(shift @ shift + np.sum(one * one) + np.sum(other * other) - 2 * cross)


def _factor(features: np.ndarray) -> np.ndarray:
    """(K, D) with factor.T @ factor = the covariance (N - 1 in the denominator), K = min(N, D)."""
    features = np.asarray(features, dtype=np.float64)
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return np.linalg.qr(centred, mode="r") if len(centred) > centred.shape[1] else centred


def kl_divergences(real_logits: np.ndarray, generated_logits: np.ndarray, *, floor: float = KL_FLOOR) -> np.ndarray:
    """KL(real || generated) of the softmax of both, pair by pair; MKL is the mean.

    The floor under the generated probability is part of SpecVQGAN's number: equal inputs give a little less than 0 and
    peaky ones are capped.

    Args:
        real_logits: (N, C). For several samples of a video repeat the video's row.
        generated_logits: (N, C).

    Returns:
        (N,).
    """
    log_real, log_generated = log_softmax(real_logits), log_softmax(generated_logits)
    if floor:
        log_generated = np.log(np.exp(log_generated) + floor)
    return np.sum(np.exp(log_real) * (log_real - log_generated), axis=1)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) -> float64 (N, C)."""
    logits = np.asarray(logits, dtype=np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def inception_score(logits: np.ndarray, *, splits: int = 10, seed: int = 2020) -> tuple[float, float]:
    """Mean and standard deviation over splits of exp(mean KL between each row's classes and the split's).

    Args:
        logits: (N, C), N at least `splits`.
    """
    log_p = log_softmax(logits)[np.random.RandomState(seed).permutation(len(logits))]
    edges = [split * len(log_p) // splits for split in range(splits + 1)]
    scores = []
    for start, end in zip(edges, edges[1:], strict=False):
        part = log_p[start:end]
        scores.append(np.exp(np.mean(np.sum(np.exp(part) * (part - np.log(np.exp(part).mean(axis=0))), axis=1))))
    return float(np.mean(scores)), float(np.std(scores))


def kernel_distance(
    real: np.ndarray, generated: np.ndarray, *, subsets: int = 20, subset_size: int = 100, seed: int = 2020
) -> tuple[float, float]:
    """KID: unbiased squared MMD under the kernel (x . y / D + 1)^3, mean and standard deviation over random subsets.

    Args:
        real: (N, D), N at least `subset_size`.
        generated: (M, D), likewise.
    """
    rng = np.random.RandomState(seed)
    real, generated = np.asarray(real, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    scores = []
    for _ in range(subsets):
        one = generated[rng.choice(len(generated), subset_size, replace=False)]
        other = real[rng.choice(len(real), subset_size, replace=False)]
        within = [_cubic(x, x) for x in (one, other)]
        pairs = subset_size * (subset_size - 1)
        scores.append(sum((k.sum() - np.trace(k)) / pairs for k in within) - 2 * _cubic(one, other).mean())
    return float(np.mean(scores)), float(np.std(scores))


def _cubic(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one @ other.T / one.shape[1] + 1) ** 3


def desync_s(logits: np.ndarray, grid_s: Sequence[float] = DESYNC_GRID_S) -> float:
    """Mean distance from being in time, in seconds, of Synchformer's top classes. (..., 21) -> number."""
    return float(np.abs(np.asarray(grid_s)[np.argmax(logits, axis=-1)]).mean())
