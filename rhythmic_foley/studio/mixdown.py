"""From the bare sound of a take to the one that is heard: loudness, and the clip's own sound under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhythmic_foley.audio.mixing import Mix, with_stretch
from rhythmic_foley.audio.signal import fit_length, resample
from rhythmic_foley.audio.wav import read_wav_channels
from rhythmic_foley.media.muxing import AAC_RATES_HZ
from rhythmic_foley.media.reading import read_channels
from rhythmic_foley.studio.dub_plan import DubPlan
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.results import GeneratedSound


@dataclass(frozen=True)
class MixedSound:
    """The sound of a take as it goes to disk, its rate, and how it was mixed.

    Attributes:
        wave: float32 (N,), or (N, 2) where the clip's own sound is kept in stereo.
    """

    wave: np.ndarray
    rate_hz: int
    mix: Mix


def mix_for_take(clip: ClipInfo, plan: DubPlan, sound: GeneratedSound) -> MixedSound:
    """Mix the sound of a take, at the rate of the clip's own sound where that is kept."""
    asked = plan.asked
    original, rate_hz = None, sound.rate_hz
    if asked.keep_original_db is not None and clip.has_audio:
        rate_hz = clip.audio_rate_hz if clip.audio_rate_hz in AAC_RATES_HZ else 48_000
        original = read_channels(clip.path, rate_hz)
    samples = round(plan.stretch.duration_s * rate_hz)
    wave = fit_length(resample(sound.wave, sound.rate_hz, rate_hz), samples)
    if original is not None:
        original = fit_length(original[round(plan.stretch.interval.start_s * rate_hz) :], samples)
        original = original[:, 0] if original.shape[1] == 1 else original
    if plan.base is None or plan.fix is None:
        mix = Mix.of(wave, rate_hz, asked.loudness_lufs, original, asked.keep_original_db or 0.0)
        return MixedSound(mix.apply(wave, original), rate_hz, mix)
    # 16-bit samples that are read as floats are written as the very same samples again.
    old = fit_length(read_wav_channels(plan.base.take.wav)[0], samples)
    new = plan.base.mix.apply(wave, original)
    old = old if new.ndim == 2 else old.mean(axis=1)
    return MixedSound(with_stretch(old, new, rate_hz, plan.fix.start_s, plan.fix.end_s), rate_hz, plan.base.mix)
