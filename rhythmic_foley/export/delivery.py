"""Delivery specifications by name: integrated loudness and true peak, which broadcasters and platforms check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhythmic_foley.audio.loudness import loudness_lufs
from rhythmic_foley.audio.true_peak import limit_true_peak, true_peak_dbtp

TOLERANCE_LU = 0.5  # of EBU R128 for programmes that are not live
_CLOSE_LU = 0.02
_NO_GAIN_LU = 0.1  # a round that brings less has only squeezed the peaks further
_ROUNDS = 12


@dataclass(frozen=True)
class Delivery:
    """What a place of delivery asks for.

    Attributes:
        title: its name.
        loudness_lufs: integrated loudness (LUFS and LKFS are the same unit); None leaves the sound as it is.
        true_peak_dbtp: what no peak may exceed, also between samples and after encoding.
    """

    title: str
    loudness_lufs: float | None = None
    true_peak_dbtp: float = 0.0


DELIVERIES = {
    "as-is": Delivery("As it is"),
    "ebu-r128": Delivery("EBU R128 broadcast (-23 LUFS, -1 dBTP)", -23.0, -1.0),
    "atsc-a85": Delivery("ATSC A/85 broadcast (-24 LKFS, -2 dBTP)", -24.0, -2.0),
    "netflix": Delivery("Netflix (-27 LKFS, -2 dBTP)", -27.0, -2.0),
    "streaming": Delivery("Streaming platforms (-14 LUFS, -1 dBTP)", -14.0, -1.0),
    "podcast": Delivery("Podcast (-16 LUFS, -1 dBTP)", -16.0, -1.0),
}


@dataclass(frozen=True)
class Measured:
    """Loudness and true peak of a sound; -inf for silence."""

    loudness_lufs: float
    true_peak_dbtp: float

    @classmethod
    def of(cls, wave: np.ndarray, sample_rate_hz: int) -> Measured:
        """Measure (N, C)."""
        programme = wave[:, 0] if wave.shape[1] == 1 else wave
        return cls(loudness_lufs(programme, sample_rate_hz), true_peak_dbtp(wave))


@dataclass(frozen=True)
class Delivered:
    """A sound at the level of a delivery.

    Attributes:
        wave: float32 (N, C).
        gain: factor that was applied before the limiter.
    """

    wave: np.ndarray
    gain: float


def deliver(wave: np.ndarray, sample_rate_hz: int, wanted: Delivery, *, headroom_db: float = 0.0) -> Delivered:
    """Bring (N, C) to the loudness of a delivery, its true peaks held below the limit.

    Silence stays as it is. Single clicks in silence may stay quieter than asked, since their peaks are at the limit.

    Args:
        headroom_db: how far below the limit the peaks are held, for encoders that overshoot.
    """
    if wanted.loudness_lufs is None:
        return Delivered(wave, 1.0)
    gain, loud, before = 1.0, wave, -np.inf
    for _ in range(_ROUNDS):  # limiting takes some of the loudness away again
        now = Measured.of(loud, sample_rate_hz).loudness_lufs
        short = wanted.loudness_lufs - now
        if not np.isfinite(now) or abs(short) < _CLOSE_LU or abs(now - before) < _NO_GAIN_LU:
            break
        gain, before = gain * 10 ** (short / 20), now
        loud = limit_true_peak(wave * np.float32(gain), sample_rate_hz, wanted.true_peak_dbtp - headroom_db)
    return Delivered(loud, gain)
