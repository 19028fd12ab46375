"""A sound that shows how it should hit: laid at every onset, it is what the diffusion begins with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.audio.signal import resample
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.events import UNKNOWN, SoundEvent
from rhythmic_foley.values.onsets import Onsets

_LOUDEST = 0.7
_LONGEST_S = 60.0
# As `attack_times` measures it: strength 0 lies this far below strength 1.
_RANGE_DB = 40.0


def read_reference(path: Path, sample_rate_hz: int) -> np.ndarray:
    """A hit from a sound file, from its attack on, at a fixed level. Returns float32 (N,).

    Raises:
        FoleyError: if it cannot be read, is silent or far too long.
    """
    if not path.is_file():
        raise FoleyError(f"There is no file {path.name} to take the sound from.")
    wave, rate_hz = read_wav(path, longest_s=_LONGEST_S)
    wave = resample(wave, rate_hz, sample_rate_hz)
    attacks_s = attack_times(wave, sample_rate_hz).times_s
    peak = float(np.abs(wave).max(initial=0.0))
    if not attacks_s or not peak:
        raise FoleyError(f"{path.name} is silent; give a sound of one hit.")
    return wave[round(attacks_s[0] * sample_rate_hz) :] * np.float32(_LOUDEST / peak)


def starts_of(onsets: Onsets, events: Sequence[SoundEvent]) -> Onsets:
    """Where a sample is laid: at the onsets, or where there are none at each event's start."""
    if len(onsets) or not events:
        return onsets if len(onsets) else Onsets.of([0.0])
    return Onsets.of([event.start_s for event in events if event.label != UNKNOWN] or [0.0])


def laid_at(sample: np.ndarray, starts: Onsets, sample_rate_hz: int, samples: int) -> np.ndarray:
    """The sample (N,) at each start, as loud as the onset is strong. Returns float32 (samples,)."""
    wave = np.zeros(samples, dtype=np.float32)
    for time_s, strength in zip(starts.times_s, starts.strengths, strict=True):
        begin = round(time_s * sample_rate_hz)
        end = min(samples, begin + len(sample))
        if begin < end:
            wave[begin:end] += sample[: end - begin] * np.float32(10 ** ((strength - 1) * _RANGE_DB / 20))
    return np.clip(wave, -1.0, 1.0)
