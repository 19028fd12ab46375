"""A take as a dub leaves it, with known sounds, onsets and timecode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from clips import make_clip

from rhythmic_foley.audio.mixing import Mix
from rhythmic_foley.media.reading import probe
from rhythmic_foley.studio.mixdown import MixedSound
from rhythmic_foley.studio.takes import Draft, write_take
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import StemSound, Take, TakeSound

RATE_HZ = 16_000
EVENTS = (
    SoundEvent("hammer strikes anvil", "heavy", 0.2, 1.0),
    SoundEvent("rain & wind <soft>", "", 0.8, None),
    SoundEvent("unknown"),
)
ONSETS = Onsets.of([0.25, 0.7, 1.2], [1.0, 0.5, 0.25])


def made_take(
    folder: Path,
    *,
    fps: float = 25,
    duration_s: float = 2.0,
    events: Sequence[SoundEvent] = EVENTS,
    stems: bool = True,
    level: float = 0.1,
    **facts: object,
) -> Take:
    """A take of clicks in noise, with a stem for each."""
    clip = make_clip(folder / "clip.mp4", duration_s=duration_s, fps=fps)
    samples = round(probe(clip).duration_s * RATE_HZ)
    noise = 0.3 * level * np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    hits = np.zeros(samples, np.float32)
    for time_s in ONSETS.times_s:
        hits[round(time_s * RATE_HZ) :][:200] += level
    wave = hits + noise
    named = (("hammer strikes anvil", hits), ("rain", noise)) if stems else (("hammer strikes anvil", wave),)
    parts = tuple(StemSound(label, part) for label, part in named)
    return write_take(
        Draft(
            clip=clip,
            title="clip",
            asked=Controls(events=tuple(events), onsets=ONSETS, seed=1),
            onsets=ONSETS,
            sound=TakeSound(parts, RATE_HZ),
            mixed=MixedSound(wave, RATE_HZ, Mix(), tuple((part.label, part.wave) for part in parts)),
            facts={"timecode": "01:00:00:00", "starts_s": 0.0} | facts,
        ),
        folder / "takes",
    )
