"""From the stems of a take to the sound that is heard: faders, loudness, and the clip's own sound under it.

What is heard is the sum of its stems to the 16-bit step: each stem is rounded as it is written, then they are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rhythmic_foley.audio.mixing import Mix, with_stretch
from rhythmic_foley.audio.signal import fit_length, resample
from rhythmic_foley.audio.wav import in_16_bit, read_wav_channels
from rhythmic_foley.media.muxing import AAC_RATES_HZ
from rhythmic_foley.media.reading import read_channels
from rhythmic_foley.studio.dub_plan import DubPlan
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.results import StemSound, TakeSound


@dataclass(frozen=True)
class MixedSound:
    """The sound of a take as it goes to disk.

    Attributes:
        wave: float32 (N,), or (N, 2) where the clip's own sound is kept in stereo.
        mix: how it was mixed.
        stems: label and sound of each event, (N,) as they are heard in every channel of `wave`.
        original: the clip's own sound before it was mixed in, (N,) or (N, 2); None for none.
    """

    wave: np.ndarray
    rate_hz: int
    mix: Mix
    stems: tuple[tuple[str, np.ndarray], ...] = ()
    original: np.ndarray | None = None


def mix_for_take(clip: ClipInfo, plan: DubPlan, sound: TakeSound) -> MixedSound:
    """Mix the sound of a take, at the rate of the clip's own sound where that is kept."""
    asked = plan.asked
    original, rate_hz = None, sound.rate_hz
    if asked.keep_original_db is not None and clip.has_audio:
        rate_hz = clip.audio_rate_hz if clip.audio_rate_hz in AAC_RATES_HZ else 48_000
        original = read_channels(clip.path, rate_hz)
    samples = round(plan.stretch.duration_s * rate_hz)
    if original is not None:
        original = fit_length(original[round(plan.stretch.interval.start_s * rate_hz) :], samples)
        original = original[:, 0] if original.shape[1] == 1 else original
    if plan.base is None or plan.fix is None:
        return mix_stems(asked, sound, rate_hz, samples, original)
    mixed = mix_stems(asked, sound, rate_hz, samples, original, plan.base.mix)
    if len(sound.stems) > 1:
        return mixed
    # 16-bit samples that are read as floats are written as the very same samples again.
    old = fit_length(read_wav_channels(plan.base.take.wav)[0], samples)
    old = old if mixed.wave.ndim == 2 else old.mean(axis=1)
    return replace(mixed, wave=with_stretch(old, mixed.wave, rate_hz, plan.fix.start_s, plan.fix.end_s))


def mix_stems(
    asked: Controls,
    sound: TakeSound,
    rate_hz: int,
    samples: int,
    original: np.ndarray | None = None,
    mix: Mix | None = None,
) -> MixedSound:
    """Mix stems as the faders of the events say.

    Args:
        rate_hz: of what is heard.
        samples: its length.
        original: the clip's own sound, (samples,) or (samples, 2); None for none.
        mix: of an earlier take, to be kept; None finds one.
    """
    gains = stem_gains(asked.events or (), sound.stems)
    waves = [
        fit_length(resample(stem.wave, sound.rate_hz, rate_hz), samples) * np.float32(gain)
        for stem, gain in zip(sound.stems, gains, strict=True)
    ]
    total = waves[0] if len(waves) == 1 else np.sum(waves, axis=0)
    if mix is None:
        mix = Mix.of(total, rate_hz, asked.loudness_lufs, original, asked.keep_original_db or 0.0)
        if len(waves) > 1:
            mix = mix.with_headroom([mix.gain * wave for wave in waves])
    labels = [stem.label for stem in sound.stems]
    stems = [in_16_bit(wave * np.float32(mix.gain)) for wave in waves]
    if len(waves) == 1:
        wave = mix.apply(total, original)
    else:
        under = None if original is None else in_16_bit(original * np.float32(mix.original_gain))
        wave = Mix(1.0, 1.0).apply(np.sum(stems, axis=0), under)
    return MixedSound(wave, rate_hz, mix, tuple(zip(labels, stems, strict=True)), original)


def stem_gains(events: Sequence[SoundEvent], stems: Sequence[StemSound]) -> list[float]:
    """The factor of each stem by its event's fader; 1 for a stem of several events."""
    left, gains = list(events), []
    for stem in stems:
        event = next((one for one in left if one.label == stem.label), None)
        if len(stems) == len(events) == 1:
            event = events[0]
        left = [one for one in left if one is not event]
        gains.append(1.0 if event is None else 0.0 if event.muted else 10 ** (event.gain_db / 20))
    return gains
