"""Fold sound of any channel layout to stereo, and stereo to mono, by the coefficients of ITU-R BS.775."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_HALF_POWER = float(np.sqrt(0.5))  # -3 dB

# FFmpeg's names of channels -> shares in left and right: ITU-R BS.775-4, annex 4, table 2 (mixing down to 2/0). It
# leaves the low-frequency effects out, and does not know wide and height channels; they are treated as surrounds.
_SHARES = {
    "FL": (1.0, 0.0),
    "FR": (0.0, 1.0),
    "FC": (_HALF_POWER, _HALF_POWER),
    "LFE": (0.0, 0.0),
    "LFE2": (0.0, 0.0),
    "DL": (1.0, 0.0),
    "DR": (0.0, 1.0),
}
# Order of channels in WAV and FLAC files of so many channels that do not say (Microsoft's WAVEFORMATEXTENSIBLE).
_USUAL = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
_LEFT, _RIGHT, _MIDDLE = (_HALF_POWER, 0.0), (0.0, _HALF_POWER), (0.5, 0.5)


def stereo_shares(names: Sequence[str]) -> np.ndarray:
    """How much of each channel goes to the left and to the right.

    Args:
        names: FFmpeg's names of the channels in order. Channels without a place ("NONE") are averaged.

    Returns:
        float32 (C, 2).
    """
    if len(names) == 1:
        return np.ones((1, 2), np.float32)
    if len(names) == 2:
        return np.eye(2, dtype=np.float32)
    if not all(_share(name) for name in names):
        return np.full((len(names), 2), 1 / len(names), np.float32)
    return np.array([_share(name) for name in names], dtype=np.float32)


def _share(name: str) -> tuple[float, float] | None:
    """Left and right share of a channel; None for one that has no place around the listener."""
    if name in _SHARES:
        return _SHARES[name]
    if name == "NONE" or not name.isalpha():
        return None
    if name.endswith("C") and name[-2:] not in ("LC", "RC"):
        return _MIDDLE
    if "L" in name:
        return _LEFT
    return _RIGHT if "R" in name else None


def usual_layout(channels: int) -> tuple[str, ...]:
    """The names of the channels of a sound file that does not give them."""
    return _USUAL.get(channels, ("NONE",) * channels)


def placed(names: Sequence[str]) -> bool:
    """Whether the layout says where each channel is heard; one and two channels need not."""
    return len(names) <= 2 or all(_share(name) for name in names)


def to_mono(wave: np.ndarray) -> np.ndarray:
    """(N, C) with one or two channels -> (N,), the mean.

    For a sound that was folded to stereo this is BS.775's mono, 3 dB lower, so that it clips no sooner than stereo.
    """
    return wave.mean(axis=1)
