"""Frechet distance, KL divergence and their relatives against numbers of the published evaluations, from seeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.evaluation.metrics.distances import (
    DESYNC_GRID_S,
    desync_s,
    frechet_distance,
    inception_score,
    kernel_distance,
    kl_divergences,
    log_softmax,
)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def correlated() -> tuple[np.ndarray, np.ndarray]:
    mixing = normal(8, 32, 32)
    return normal(9, 600, 32) @ mixing, relu(normal(10, 500, 32) @ mixing)


def close_logits() -> tuple[np.ndarray, np.ndarray]:
    real = 4 * normal(23, 40, 527)
    return real, real + 0.5 * normal(24, 40, 527)


def same(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x, x


Matrices = Callable[[], tuple[np.ndarray, np.ndarray]]

FRECHET: dict[str, tuple[Matrices, float]] = {
    "same_dist": (lambda: (normal(1, 500, 64), normal(2, 500, 64)), 4.250627256),
    "mean_shift": (lambda: (normal(3, 400, 32), 0.5 + normal(4, 300, 32)), 10.228717846),
    "scale": (lambda: (normal(5, 400, 32), 2 * normal(6, 400, 32)), 36.18020828),
    "identical": (lambda: same(normal(7, 200, 16)), 0.0),
    "correlated": (correlated, 385.54569246),
    "rank_deficient": (lambda: (normal(11, 40, 64), 1.2 * normal(12, 30, 64)), 74.729869445),
    "relu_2048_like": (lambda: (relu(normal(13, 256, 512)), relu(0.3 + normal(14, 256, 512))), 196.057651198),
}
# Logits, with SpecVQGAN's floor, without a floor.
KL: dict[str, tuple[Matrices, float, float]] = {
    "vgg309": (lambda: (3 * normal(21, 50, 309), 3 * normal(22, 50, 309)), 6.696307182, 6.913742351),
    "as527_close": (close_logits, 0.078568265, 0.078947999),
    "identical": (lambda: same(2 * normal(25, 20, 309)), -0.000306739, 0.0),
    "peaky": (lambda: (15 * normal(26, 30, 309), 15 * normal(27, 30, 309)), 13.375290871, 43.78601743),
    "five_samples": (
        lambda: (3 * normal(28, 12, 309).repeat(5, axis=0), 3 * normal(29, 60, 309)),
        7.012552738,
        7.237942261,
    ),
}


@pytest.mark.parametrize("name", FRECHET)
def test_frechet_distance(name: str) -> None:
    matrices, expected = FRECHET[name]
    real, generated = (matrix.astype(np.float32) for matrix in matrices())
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert frechet_distance(generated, real) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_frechet_distance_in_double_precision() -> None:
    real, generated = normal(11, 40, 64), 1.2 * normal(12, 30, 64)
    assert frechet_distance(real, generated) == pytest.approx(74.729869504, abs=1e-5)


def test_frechet_distance_needs_two_samples() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        frechet_distance(np.zeros((1, 4)), np.zeros((5, 4)))


@pytest.mark.parametrize("name", KL)
def test_kl(name: str) -> None:
    matrices, floored, exact = KL[name]
    real, generated = (matrix.astype(np.float32) for matrix in matrices())
    assert kl_divergences(real, generated).mean() == pytest.approx(floored, rel=1e-4, abs=5e-5)
    assert kl_divergences(real, generated, floor=0.0).mean() == pytest.approx(exact, rel=1e-4, abs=5e-5)


def test_kl_goes_from_real_to_generated() -> None:
    real, generated = (matrix.astype(np.float32) for matrix in KL["vgg309"][0]())
    assert kl_divergences(generated, real, floor=0.0).mean() == pytest.approx(6.979882009, rel=1e-4)


def test_log_softmax_takes_large_logits() -> None:
    assert np.exp(log_softmax(np.array([[1e4, 0.0], [0.0, 0.0]]))).tolist() == [[1.0, 0.0], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("logits", "mean", "deviation"),
    [((31, 200, 309), 9.561814352, 0.510015735), ((32, 105, 527), 6.8097776, 0.513897902)],
)
def test_inception_score(logits: tuple[int, int, int], mean: float, deviation: float) -> None:
    assert inception_score((3 * normal(*logits)).astype(np.float32)) == pytest.approx((mean, deviation), rel=1e-4)


def test_kernel_distance() -> None:
    real, generated = normal(33, 300, 64), 0.2 + normal(34, 250, 64)
    found = kernel_distance(real.astype(np.float32), generated.astype(np.float32))
    assert found == pytest.approx((0.112688446, 0.021487716), rel=1e-4)


def test_desync() -> None:
    assert len(DESYNC_GRID_S) == 21 and (DESYNC_GRID_S[0], DESYNC_GRID_S[-1]) == (-2.0, 2.0)
    assert desync_s(normal(41, 2, 6, 21)) == pytest.approx(1.15, abs=1e-6)


def test_the_copied_numbers_are_the_references(reference_dir: Path) -> None:
    path = reference_dir / "metrics/fixtures/frechet_kl.json"
    reference = json.loads(path.read_text(encoding="utf-8"))
    frechet = {case["name"]: case["specvqgan"] for case in reference["frechet"]}
    assert {name: expected for name, (_, expected) in FRECHET.items()} == {name: frechet[name] for name in FRECHET}
    kl = {case["name"].split("_per")[0]: case for case in reference["kl"]}
    for name, (_, floored, exact) in KL.items():
        assert kl[name]["specvqgan_softmax_eps"] == floored
        assert kl[name]["float64_exact_mean_KL_real_gen"] == exact
