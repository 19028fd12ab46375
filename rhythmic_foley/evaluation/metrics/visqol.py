"""ViSQOL (audio mode, 48 kHz) through the PyPI package visqol-python, which is optional."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.onset_metrics import resample

SAMPLE_RATE_HZ = 48_000
SILENT_SCORE = 1.0  # the port gives NaN; the lowest grade is what a listener would give
SILENT_PEAK = 1e-4  # -80 dBFS


class Visqol:
    """Grades how near a sound is to a reference in its spectrum, 1 to 4.73 (identical); blind to a common delay.

    Args:
        band_hz: both sounds lose what lies above, so that a model of a lower rate is not graded by its rate; None
            keeps all.

    Raises:
        FoleyError: if visqol-python is not installed.
    """

    def __init__(self, band_hz: float | None = None) -> None:
        try:
            # By name: an extra, not one of the requirements that every installation has.
            module = importlib.import_module("visqol")
        except ImportError:
            raise FoleyError("ViSQOL needs the package visqol-python; install it with pip.") from None
        self.band_hz = band_hz
        self._api: Any = module.VisqolApi()
        self._api.create(mode="audio")

    def score(self, reference: np.ndarray, reference_hz: int, degraded: np.ndarray, degraded_hz: int) -> float | None:
        """MOS-LQO of `degraded`.

        Args:
            reference: (N,) mono at `reference_hz`.
            degraded: (M,) mono at `degraded_hz`.

        Returns:
            1 for a silent `degraded`; None where the reference is silent or both are too short to compare.
        """
        if is_silent(reference):
            return None
        if is_silent(degraded):
            return SILENT_SCORE
        waves = self._prepared(reference, reference_hz), self._prepared(degraded, degraded_hz)
        try:
            score = float(self._api.measure_from_arrays(*waves, SAMPLE_RATE_HZ).moslqo)
        except (ValueError, RuntimeError, IndexError):
            return None  # shorter than the patches that are compared
        return score if np.isfinite(score) else None

    def _prepared(self, wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
        if self.band_hz is not None and 2 * self.band_hz < sample_rate_hz:
            narrow_hz = round(2 * self.band_hz)
            wave, sample_rate_hz = resample(wave, sample_rate_hz, narrow_hz), narrow_hz
        return resample(wave, sample_rate_hz, SAMPLE_RATE_HZ).astype(np.float64)


def is_silent(wave: np.ndarray) -> bool:
    """Whether no sample exceeds -80 dBFS."""
    return float(np.abs(wave).max(initial=0.0)) < SILENT_PEAK
