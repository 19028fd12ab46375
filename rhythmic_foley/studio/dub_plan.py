"""What a dub is made from: controls with nothing left open, the stretch that they are about, the sound as heard."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.mixing import Mix, with_stretch
from rhythmic_foley.audio.signal import resample
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.describe.sounds import goes_on
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.muxing import AAC_RATES_HZ
from rhythmic_foley.media.reading import read_audio
from rhythmic_foley.studio.generation import Sound
from rhythmic_foley.studio.takes import Heard
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.controls import MAX_SEED, Controls
from rhythmic_foley.values.events import UNKNOWN, SoundEvent, events_between
from rhythmic_foley.values.limits import MAX_CLIP_S
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis, Take


@dataclass(frozen=True)
class Stretch:
    """What is dubbed: a file with just its picture, and where in the clip that begins."""

    path: Path
    start_s: float
    duration_s: float
    note: str = ""


@dataclass(frozen=True)
class Base:
    """A take of which a stretch is made anew."""

    take: Take
    controls: Controls
    sound: Sound
    mix: Mix


def resolved(analysis: Analysis, controls: Controls, base: Base | None) -> Controls:
    """The controls with nothing left open: proposals (or those of the take to fix) taken over, the seed drawn."""
    before = base.controls if base else Controls(events=analysis.events, onsets=analysis.onsets)
    events = before.events if controls.events is None else controls.events
    if controls.text is not None and controls.text.strip():
        events = (SoundEvent(controls.text.strip()),)
    onsets = before.onsets if controls.onsets is None else controls.onsets
    if base is None and controls.onsets is None:
        onsets = fitting(onsets, events)
    seed = random.SystemRandom().randint(0, MAX_SEED) if controls.seed is None else controls.seed
    reference = controls.reference if controls.reference_strength > 0 else None
    whole = replace(controls, events=events, onsets=onsets, seed=seed, text=None, reference=reference)
    if base is None:
        return whole
    return replace(
        whole,
        range_s=before.range_s,
        loudness_lufs=before.loudness_lufs,
        keep_original_db=before.keep_original_db,
    )


def local(controls: Controls, stretch: Stretch) -> Controls:
    """The controls with their times counted from the beginning of what is dubbed.

    Raises:
        FoleyError: if the stretch to fix lies outside of it.
    """
    start_s, end_s = stretch.start_s, stretch.start_s + stretch.duration_s
    fix = controls.fix
    if fix is not None and not (fix.start_s < end_s and fix.end_s > start_s):
        raise FoleyError(f"What to fix lies outside of the take, which goes from {start_s:.2f} to {end_s:.2f} s.")
    if controls.range_s is None:
        return controls
    return replace(
        controls,
        events=events_between(controls.events, start_s, end_s),
        onsets=controls.onsets.between(start_s, end_s),
        fix=fix and replace(fix, start_s=max(0.0, fix.start_s - start_s), end_s=fix.end_s - start_s),
    )


def alone(controls: Controls) -> tuple[Controls, ...]:
    """The controls for each event's stem, if there are several events: its own time, and hits unless it goes on."""
    known = [event for event in controls.events if event.label != UNKNOWN]
    if len(known) < 2:
        return ()

    def hits(event: SoundEvent) -> Onsets:
        end_s = MAX_CLIP_S + 1 if event.end_s is None else event.end_s
        return fitting(controls.onsets, (event,)).between(event.start_s, end_s).shift(event.start_s)

    return tuple(replace(controls, events=(event,), onsets=hits(event)) for event in known)


def heard(clip: ClipInfo, stretch: Stretch, controls: Controls, sound: Sound, base: Base | None) -> Heard:
    """The sound as it goes to disk: at the original's own rate where that is kept."""
    original, rate_hz = None, sound.rate_hz
    if controls.keep_original_db is not None and clip.has_audio:
        rate_hz = clip.audio_rate_hz if clip.audio_rate_hz in AAC_RATES_HZ else 48_000
        original = read_audio(clip.path, rate_hz)
    samples = round(stretch.duration_s * rate_hz)
    wave = _exactly(resample(sound.wave, sound.rate_hz, rate_hz), samples)
    if original is not None:
        original = _exactly(original[round(stretch.start_s * rate_hz) :], samples)
    if base is None:
        mix = Mix.of(wave, rate_hz, controls.loudness_lufs, original, controls.keep_original_db or 0.0)
        return Heard(mix.apply(wave, original), rate_hz, mix)
    # 16-bit samples that are read as floats are written as the very same samples again.
    old, new = _exactly(read_wav(base.take.wav)[0], samples), base.mix.apply(wave, original)
    return Heard(with_stretch(old, new, rate_hz, controls.fix.start_s, controls.fix.end_s), rate_hz, base.mix)


def _exactly(wave: np.ndarray, samples: int) -> np.ndarray:
    """(N,) cut or followed by silence."""
    return np.pad(wave[:samples], (0, max(0, samples - len(wave))))


def fitting(onsets: Onsets, events: tuple[SoundEvent, ...]) -> Onsets:
    """Proposed onsets, none where everything described goes on without hits: rain must not be chopped by motion."""
    return Onsets() if events and all(goes_on(event.label) for event in events) else onsets
