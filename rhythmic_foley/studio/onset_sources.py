"""Where proposed onsets come from: the picture, the clip's own sound, both, or a guide track of the person's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rhythmic_foley.audio.onset_curve import clarity_db, heard_curve
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import read_audio
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.controls import BOTH, SOUND
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve, Seen, curve_of_onsets, pick_onsets
from rhythmic_foley.values.onsets import Onsets

SILENT_NOTE = "This clip has no sound, so its onsets come from the picture alone."
_RATE_HZ = 16_000
_NEAR_S = 0.12  # picture and sound of one hit lie no further apart
_NOISY_DB, _CLEAN_DB = 6.0, 18.0  # how far attacks rise: below, the sound counts nothing; above, in full
_HEARD, _UNHEARD = 5.0, -1.5  # log-odds that a clear attack adds to the picture's, and that silence takes


def guide_curve(path: Path) -> Curve:
    """The attacks of a guide track: taps, claps, hums or beats of a person's own, in time with the clip.

    Raises:
        FoleyError: if the file has no sound that can be read, or no attack can be heard in it.
    """
    curve = heard_curve(*_read_guide(path))
    if not len(pick_onsets(curve)):
        raise FoleyError(f"No attack can be heard in {path.name}; tap or clap louder, closer to the microphone.")
    return curve


def _read_guide(path: Path) -> tuple[np.ndarray, int]:
    """The sound (N,) of a sound file or a video, and its rate in Hz."""
    if not path.is_file():
        raise FoleyError(f"There is no file {path.name} to take the guide track from.")
    try:
        return read_wav(path)
    except FoleyError as no_sound_file:
        try:
            wave = read_audio(path, _RATE_HZ)
        except FoleyError:
            raise no_sound_file from None
    if wave is None:
        raise FoleyError(f"{path.name} has no sound; a guide track is a recording of taps, claps or a voice.")
    return wave, _RATE_HZ


def with_sound(seen: Seen, clip: ClipInfo, onsets_from: str) -> tuple[Seen, str]:
    """What the picture says, replaced or supported by what is heard in the clip's own sound.

    Returns:
        The result, and a note for the person or nothing.

    Raises:
        FoleyError: if onsets are wanted from a sound that the clip does not have.
    """
    wave = read_audio(clip.path, _RATE_HZ) if clip.has_audio else None
    if wave is None and onsets_from == SOUND:
        raise FoleyError("This clip has no sound; take its onsets from the picture, or give a guide track.")
    if wave is None:
        return seen, SILENT_NOTE
    heard = heard_curve(wave, _RATE_HZ)
    if onsets_from == BOTH:
        heard = fused(seen.curve, heard, clarity_db(wave, _RATE_HZ, pick_onsets(heard).times_s))
    return Seen(heard, seen.sounding), ""


def fused(picture: Curve, heard: Curve, clear_db: float) -> Curve:
    """One curve with a spike at each hit from both.

    The log-odds of both are added, the sound's weighted by how clearly its attacks stand out. A hit lies where it is
    heard, if it is heard near where it is seen. In a clear sound an attack counts although the picture shows little,
    and what is seen but not heard loses; a noisy sound changes nothing.

    Args:
        clear_db: by how much attacks rise over what is heard just before them.
    """
    weight = float(np.clip((clear_db - _NOISY_DB) / (_CLEAN_DB - _NOISY_DB), 0.0, 1.0))
    seen, attacks = pick_onsets(picture, 0.0), pick_onsets(heard)
    seen_s, attacks_s = np.asarray(seen.times_s), np.asarray(attacks.times_s)
    found: list[tuple[float, float]] = []
    for time_s, strength in zip(attacks.times_s if weight else (), attacks.strengths, strict=False):
        near = np.abs(seen_s - time_s) <= _NEAR_S
        shown = max((seen.strengths[index] for index in np.flatnonzero(near)), default=0.02)
        sure = _sum(shown, weight * _HEARD)
        found.append((time_s, strength if sure >= DEFAULT_THRESHOLD else sure))
    for time_s, strength in zip(seen.times_s, seen.strengths, strict=True):
        if not weight or not (np.abs(attacks_s - time_s) <= _NEAR_S).any():
            found.append((time_s, _sum(strength, weight * _UNHEARD)))
    together = Onsets.of([time_s for time_s, _ in found], [height for _, height in found])
    return curve_of_onsets(together.merge(_NEAR_S / 2))


def _sum(probability: float, evidence: float) -> float:
    """A probability after evidence in log-odds."""
    odds = np.log(np.clip(probability, 0.02, 0.98) / (1 - np.clip(probability, 0.02, 0.98))) + evidence
    return float(1 / (1 + np.exp(-odds)))
