"""Rows that no method makes: the real sounds themselves as the ceiling, and floors that a column must tell from it.

One floor is not enough, since no column sees everything. Another clip's sound is invisible to a Frechet distance,
which compares sets; the clip's own sound at the wrong time is invisible to all that pool or align. So each kind of
column is held against the floors it is made to see.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from rhythmic_foley.evaluation.report.folders import ClipFiles, Pair, Pairing, has_sound

ORIGINAL = "original sound (ceiling)"
SHUFFLED = "another clip's sound (floor)"
SHIFTED = "original sound, half its length later (floor)"
NOISE = "pink noise (floor)"
FLOORS = (SHUFFLED, SHIFTED, NOISE)
TIMING = ("onset_", "av_align", "desync")
SETS = ("fd_",)


def floors_of(key: str) -> tuple[str, ...]:
    """Floors that the column of this key is made to see."""
    if key.startswith(SETS):
        return (NOISE,)
    if key == "onset_count_acc":  # counts alone
        return (SHUFFLED,)
    return (SHUFFLED, SHIFTED) if key.startswith(TIMING) else (SHUFFLED, NOISE)


def ceiling_pairing(real: Mapping[str, ClipFiles]) -> Pairing:
    """Every real sound against itself: what no method can exceed."""
    return Pairing(tuple(Pair(clip, clip, files, files) for clip, files in real.items()), (), ())


def floor_pairings(real: Mapping[str, ClipFiles]) -> dict[str, Pairing]:
    """The floors by name, of the clips that have a sound; without the shuffled one where there is but one clip."""
    sounding = {clip: files for clip, files in real.items() if has_sound(files)}
    clips = list(sounding)
    others = clips[1:] + clips[:1]
    pairs = {
        SHUFFLED: [
            Pair(clip, other, sounding[clip], sounding[other]) for clip, other in zip(clips, others, strict=True)
        ],
        SHIFTED: [Pair(clip, clip, files, files, half_later) for clip, files in sounding.items()],
        NOISE: [Pair(clip, clip, files, files, _Noise(clip)) for clip, files in sounding.items()],
    }
    if len(clips) < 2:
        del pairs[SHUFFLED]
    return {name: Pairing(tuple(members), (), ()) for name, members in pairs.items() if members}


def half_later(wave: np.ndarray) -> np.ndarray:
    """(N,), later by half its length, what falls out at the end coming back at the start."""
    return np.roll(wave, len(wave) // 2)


class _Noise:
    """Pink noise of the length and loudness of a sound, the same for each clip at each call."""

    def __init__(self, clip: str) -> None:
        self.seed = zlib.crc32(clip.encode())

    def __call__(self, wave: np.ndarray) -> np.ndarray:
        return pink_noise(len(wave), self.seed) * np.sqrt(np.mean(np.square(wave, dtype=np.float64)))


def pink_noise(length: int, seed: int) -> np.ndarray:
    """float64 (length,) of equal power in each octave, mean square 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, length)
    return noise / max(np.sqrt(np.mean(noise**2)), 1e-12)
