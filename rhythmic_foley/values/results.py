"""What the studio answers: what it found in a clip, how far a job is, and finished takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.curve import Curve
from rhythmic_foley.values.events import SoundEvent, Suggestion
from rhythmic_foley.values.onsets import OnsetMatch, Onsets


@dataclass(frozen=True)
class Analysis:
    """What the program found in a clip, for the person to correct.

    Attributes:
        digest: sha256 of the file.
        threshold: at which `onsets` were picked from `curve`.
        describer: who said what sounds.
        notes: sentences for the person.
        suggestions: sounds to choose from, the likeliest first.
    """

    clip: ClipInfo
    digest: str
    events: tuple[SoundEvent, ...]
    onsets: Onsets
    threshold: float
    curve: Curve
    describer: str
    notes: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        fraction: share of 1 that is done.
        message: what it does now.
        eta_s: seconds left, where that can be said.
        preview: float32 (128, frames) in [0, 1], log-mel of the window under way as far as it is denoised.
    """

    fraction: float
    message: str
    eta_s: float | None = None
    preview: np.ndarray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class GeneratedSound:
    """What the model made.

    Attributes:
        wave: float32 (N,) at `rate_hz`, as long as the picture.
        latents: float32 (windows, C, 16, columns).
        notes: sentences for the person about what did not go as it should.
    """

    wave: np.ndarray
    rate_hz: int
    latents: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StemSound:
    """One event's part of a take, before it is mixed.

    Attributes:
        label: of the event.
        wave: float32 (N,), as long as the picture.
        latents: float32 (windows, C, 16, columns); None where the model had no part in it.
    """

    label: str
    wave: np.ndarray
    latents: np.ndarray | None = None


@dataclass(frozen=True)
class TakeSound:
    """The sound of a take before it is mixed: the stems whose sum it is.

    Attributes:
        rate_hz: of all of them.
        notes: sentences for the person about what did not go as it should.
    """

    stems: tuple[StemSound, ...]
    rate_hz: int
    notes: tuple[str, ...] = ()

    @property
    def wave(self) -> np.ndarray:
        """The sum of the stems, float32 (N,)."""
        return self.stems[0].wave if len(self.stems) == 1 else np.sum([stem.wave for stem in self.stems], axis=0)


@dataclass(frozen=True)
class Take:
    """One finished sound track on disk. Times in its files count from the beginning of its own video.

    Attributes:
        controls: with which it was made.
        measured: how the wanted onsets were hit, None if none were wanted.
        notes: sentences for the person.
        sound: the bare sound with its latents, from which a stretch can be made anew.
        stems: a wav for each event, whose sum the take is.
        credits: whom samples in it are owed to, if it has any.
        onsets_csv: the wanted onsets, a line each; `onsets_json` as the command `onsets` prints them.
    """

    name: str
    folder: Path
    video: Path
    wav: Path
    mel: Path
    settings: Path
    seed: int
    measured: OnsetMatch | None
    controls: Controls
    notes: tuple[str, ...] = ()
    sound: Path | None = None
    stems: tuple[Path, ...] = ()
    credits: Path | None = None
    onsets_csv: Path | None = None
    onsets_json: Path | None = None

    @property
    def mean_error_s(self) -> float | None:
        """Mean distance of the hits from the onsets that they hit; None without hits."""
        return self.measured.mean_error_s if self.measured is not None and self.measured.hits else None
