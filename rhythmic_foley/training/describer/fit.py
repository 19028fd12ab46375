"""Fit the head that ranks sounds, with and without cross-validation by source."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.describe.embedded import HEAD, EmbeddedDescriber, Look, pooled
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.sound_head import SoundHead
from rhythmic_foley.training.describer.labelled import DRUMSTICK, Labelled

FOLDS = 10
RANK, MEANINGS = 64, 48
# Penalties on the squared weights and biases, and on moving the weights of the prior. Chosen by cross-validation on
# the film; a third as much changes the share right among five by less than 0.02.
WEIGHT_PENALTY, BIAS_PENALTY, PRIOR_PENALTY = 30.0, 3.0, 1.0
ITERATIONS = 40
# How much one source of each kind counts. A source of n clips counts as sqrt(n).
KIND_WEIGHTS = {"film": 1.0, "picture": 0.5, "render": 0.3}
# What is filled in unasked shall be right so often: with 0.9 only a fifth of the film would be filled in.
PRECISION = 0.87


@dataclass(frozen=True)
class Example:
    """One labelled thing as the head reads it.

    Attributes:
        item: what it is, and what is right.
        look: what the picture network sees.
        features: (D,).
        masses: (2, labels).
        right: (labels,), whether each sound is right.
    """

    item: Labelled
    look: Look
    features: np.ndarray
    masses: np.ndarray
    right: np.ndarray


def example(item: Labelled, look: Look, describer: EmbeddedDescriber) -> Example:
    """What the head learns from one labelled thing."""
    features, masses = pooled(look, describer.table)
    right = np.array([item.allows(label) for label in describer.table.labels])
    return Example(item, look, features, masses, right)


def fit_head(
    examples: Sequence[Example], labels: Sequence[str], embeddings: np.ndarray, rank: int = RANK
) -> SoundHead:
    """Fit a head: of the probability of all right sounds together the logarithm is maximised, under penalties.

    The weights are the sum of a part for each label and of one that is linear in the label's text embedding, so that
    sounds of near meaning learn from one another (as in DeViSE, Frome et al. 2013).

    Args:
        examples: those without a right sound are left out.
        labels: of the vocabulary.
        embeddings: (labels, D), L2-normalised text embeddings.
        rank: of the map from features to sounds.

    Raises:
        FoleyError: if there are fewer examples than ranks.
    """
    known = [one for one in examples if one.right.any()]
    if len(known) <= rank:
        raise FoleyError(f"{len(known)} labelled clips and pictures are too few; at least {rank + 1} are needed.")
    roots = np.sqrt(np.maximum(np.stack([one.features for one in known]), 0))
    head = SoundHead(list(labels), n_features=roots.shape[1], rank=rank)
    mean = roots.mean(axis=0)
    _, scales, axes = np.linalg.svd(roots - mean, full_matrices=False)
    # Halfway between principal components as they are and whitened ones.
    projection = axes[:rank].T / np.sqrt(scales[:rank] * scales[0] / len(known))
    head.mean.data, head.projection.data = (torch.from_numpy(np.float32(part)) for part in (mean, projection))
    head.likeness.data = torch.from_numpy(np.float32(embeddings @ embeddings.T))
    _maximise(head, known, torch.from_numpy(np.float32(_meanings(embeddings))))
    return head.eval()


def _meanings(embeddings: np.ndarray) -> np.ndarray:
    """The main directions of text embeddings, (labels, up to 48), of a standard deviation of 1 over all."""
    centred = embeddings - embeddings.mean(axis=0)
    turned = centred @ np.linalg.svd(centred, full_matrices=False)[2][:MEANINGS].T
    return turned / max(float(turned.std()), 1e-6)


def _maximise(head: SoundHead, known: Sequence[Example], meanings: torch.Tensor) -> None:
    counts = Counter(one.item.source for one in known)
    weights = torch.tensor([KIND_WEIGHTS[one.item.kind] / counts[one.item.source] ** 0.5 for one in known])
    weights = weights / weights.mean()
    features = torch.from_numpy(np.stack([one.features for one in known]))
    masses = torch.from_numpy(np.stack([one.masses for one in known]))
    right = torch.from_numpy(np.stack([one.right for one in known])).float()
    before = head.prior_weight.detach().clone()
    shared = torch.zeros(head.weight.shape[0] + 1, meanings.shape[1], requires_grad=True)
    learnt = [head.weight, head.bias, head.prior_weight, shared]
    optimiser = torch.optim.LBFGS(learnt, max_iter=ITERATIONS, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = head.logits(features, masses) + (head.project(features) @ shared[1:] + shared[0]) @ meanings.T
        missed = logits.logsumexp(dim=1) - (logits + torch.log(right + 1e-9)).logsumexp(dim=1)
        penalised = head.weight.square().sum() + shared.square().sum()
        total = (weights * missed).sum() + WEIGHT_PENALTY * penalised
        total = total + BIAS_PENALTY * head.bias.square().sum()
        total = total + PRIOR_PENALTY * (head.prior_weight - before).square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    with torch.no_grad():
        head.weight += shared[1:] @ meanings.T
        head.bias += meanings @ shared[0]


def cross_validated_heads(
    examples: Sequence[Example], labels: Sequence[str], embeddings: np.ndarray, folds: int = FOLDS, rank: int = RANK
) -> list[SoundHead]:
    """A head for each example that was fitted without its source."""
    fold_of = [zlib.crc32(one.item.source.encode()) % folds for one in examples]
    heads = {}
    for fold in sorted(set(fold_of)):
        rest = [one for one, its in zip(examples, fold_of, strict=True) if its != fold]
        heads[fold] = fit_head(rest, labels, embeddings, rank)
    return [heads[fold] for fold in fold_of]


def calibrated(heads: Sequence[SoundHead], examples: Sequence[Example]) -> dict[str, object]:
    """Calibration and threshold from answers of heads that have not seen the source of what they answer.

    Returns:
        `calibration` (offset, slope), fitted by logistic regression on the five suggestions of each example, and
        `sure`: the least confidence above which `PRECISION` of the first answers about film are right, each source
        counting once and the drumstick not at all.
    """
    odds, hits, firsts = [], [], []
    counts = Counter(one.item.source for one in examples)
    for head, one in zip(heads, examples, strict=True):
        with torch.no_grad():
            probabilities = head(torch.from_numpy(one.features)[None], torch.from_numpy(one.masses)[None])[0]
        chosen = head.varied(probabilities, 5)
        odds += torch.logit(probabilities[chosen].clamp(1e-6, 1 - 1e-6)).tolist()
        hits += one.right[chosen].tolist()
        best = int(probabilities.argmax())
        if one.item.kind == "film" and one.item.group != DRUMSTICK:
            odd = float(torch.logit(probabilities[best].clamp(1e-6, 1 - 1e-6)))
            firsts.append((odd, bool(one.right[best]), 1 / counts[one.item.source]))
    offset, slope = _logistic(np.array(odds), np.array(hits, dtype=float))
    least, right, count = 1.0, 0.0, 0.0
    for odd, hit, weight in sorted(firsts, reverse=True):
        right, count = right + weight * hit, count + weight
        if count >= 10 and right / count >= PRECISION:
            least = 1 / (1 + np.exp(-(offset + slope * odd)))
    return {"calibration": [round(offset, 4), round(slope, 4)], "sure": round(float(least), 3)}


def _logistic(x: np.ndarray, y: np.ndarray, steps: int = 50) -> tuple[float, float]:
    """Offset and slope of a logistic regression in one variable, by Newton's method."""
    design, weights = np.stack([np.ones_like(x), x], axis=1), np.array([0.0, 1.0])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-design @ weights))
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        weights = weights + np.linalg.solve(hessian, design.T @ (y - p))
    return float(weights[0]), float(weights[1])


def write_head(head: SoundHead, calibration: dict[str, object], checkpoint: Path) -> None:
    """Write a calibrated head beside the describer's network."""
    head.register_to_config(**calibration)
    head.half().save_pretrained(checkpoint / "describer" / HEAD)
