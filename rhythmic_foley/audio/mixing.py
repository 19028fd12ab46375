"""From the bare sound to the one that is heard: loudness, the clip's own sound, a new stretch in an old sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhythmic_foley.audio.loudness import PEAK_LIMIT, normalise_loudness

FADE_S = 0.03


@dataclass(frozen=True)
class Mix:
    """Factors of the new sound and of the clip's own. They are kept with a take, for a stretch made anew to match."""

    gain: float = 1.0
    original_gain: float = 0.0

    @classmethod
    def of(
        cls,
        wave: np.ndarray,
        sample_rate_hz: int,
        loudness_lufs: float | None,
        original: np.ndarray | None = None,
        original_db: float = 0.0,
    ) -> Mix:
        """The mix that has `wave` (N,) at a loudness and `original` (N,) under it, with peaks below -1 dBFS.

        Args:
            loudness_lufs: of the new sound alone; None leaves it as it came.
            original: the clip's own sound, (N,) or (N, C); None for none.
        """
        gain = 1.0
        if loudness_lufs is not None and np.any(wave):
            gain = _peak(normalise_loudness(wave, sample_rate_hz, loudness_lufs)) / _peak(wave)
        if original is None:
            return cls(gain)
        mix = cls(gain, 10 ** (original_db / 20))
        down = min(1.0, PEAK_LIMIT / max(_peak(mix.apply(wave, original)), 1e-9))
        return cls(mix.gain * down, mix.original_gain * down)

    def with_headroom(self, stems: Sequence[np.ndarray]) -> Mix:
        """The mix, softer if need be, in which none of the mixed stems (N,) exceeds -1 dBFS alone."""
        down = min(1.0, PEAK_LIMIT / max([1e-9, *map(_peak, stems)]))
        return Mix(self.gain * down, self.original_gain * down)

    def apply(self, wave: np.ndarray, original: np.ndarray | None = None) -> np.ndarray:
        """Mix a mono sound (N,) with the clip's own, (N,) or (N, C), in every channel of which it is heard.

        Returns:
            float32, (N, C) where the clip's own sound has that shape, otherwise (N,).
        """
        mixed = np.asarray(wave, dtype=np.float32) * np.float32(self.gain)
        if original is None:
            return mixed
        return np.float32(self.original_gain) * original + (mixed[:, None] if original.ndim == 2 else mixed)


def with_stretch(
    old: np.ndarray, new: np.ndarray, sample_rate_hz: int, start_s: float, end_s: float, fade_s: float = FADE_S
) -> np.ndarray:
    """`old` with the stretch of `new` in it; the fades lie outside the stretch, and beyond them it is `old`.

    Both are (N,), or both (N, C). Fades are linear, because both sounds hold the same there but for the phase.
    """
    clock_s = np.arange(len(old)) / sample_rate_hz
    distance_s = np.maximum(np.maximum(start_s - clock_s, clock_s - end_s), 0.0)
    share = np.clip(1.0 - distance_s / fade_s, 0.0, 1.0).astype(np.float32)
    share = share.reshape(-1, *(1,) * (old.ndim - 1))
    return np.where(share > 0, old + share * (new - old), old)


def _peak(wave: np.ndarray) -> float:
    return float(np.abs(wave).max(initial=0.0))
