"""What is asked of the studio, and what it answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import SoundEvent, events_from_json
from rhythmic_foley.media import ClipInfo
from rhythmic_foley.motion import Curve
from rhythmic_foley.onsets import OnsetMatch, Onsets

MAX_TAKES = 8
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Analysis:
    """What the program found in a clip, for the person to correct.

    Attributes:
        digest: sha256 of the file.
        threshold: at which `onsets` were picked from `curve`.
        describer: who said what sounds.
        notes: sentences for the person.
    """

    clip: ClipInfo
    digest: str
    events: tuple[SoundEvent, ...]
    onsets: Onsets
    threshold: float
    curve: Curve
    describer: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Controls:
    """How to dub a clip.

    Attributes:
        events: what sounds when; None for the analysis's proposal.
        onsets: when something hits; None for the analysis's proposal.
        text: one description for the whole clip, instead of the events.
        negative: what should not be heard.
        semantic_scale: strength of the description, 0 is off.
        temporal_scale: strength of the onsets, 0 is off.
        seed: of the first take, the next ones count on; None draws one.
        keep_original_db: gain of the clip's own sound under the new one; None leaves it out.
        loudness_lufs: integrated loudness of the new sound; None leaves it as it came.
    """

    events: tuple[SoundEvent, ...] | None = None
    onsets: Onsets | None = None
    text: str | None = None
    negative: str = ""
    semantic_scale: float = 1.0
    temporal_scale: float = 1.0
    guidance_scale: float = 3.0
    steps: int = 20
    seed: int | None = None
    takes: int = 1
    keep_original_db: float | None = None
    loudness_lufs: float | None = -16.0

    def __post_init__(self) -> None:
        if not 1 <= self.takes <= MAX_TAKES:
            raise FoleyError(f"The number of takes must be between 1 and {MAX_TAKES}, not {self.takes}.")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise FoleyError(f"The seed must be between 0 and {MAX_SEED}, not {self.seed}.")
        if self.loudness_lufs is not None and not -60 <= self.loudness_lufs <= -5:
            raise FoleyError(f"The loudness must be between -60 and -5 LUFS, not {self.loudness_lufs:g}.")
        if self.keep_original_db is not None and not -60 <= self.keep_original_db <= 12:
            raise FoleyError(f"The original's gain must be between -60 and 12 dB, not {self.keep_original_db:g}.")

    def to_json(self, **more: Any) -> str:
        """A settings file; `more` is stored beside the controls and ignored when read back."""
        return json.dumps({**asdict(self), **more}, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Controls:
        """Inverse of `to_json`.

        Raises:
            FoleyError: if the text is not such a file.
        """
        try:
            data = json.loads(text)
            known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
            if known.get("events") is not None:
                known["events"] = events_from_json(json.dumps(known["events"]))
            if known.get("onsets") is not None:
                known["onsets"] = Onsets.of(known["onsets"]["times_s"], known["onsets"]["strengths"])
            return cls(**known)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise FoleyError("These settings cannot be read; use a settings file that a dub has written.") from None


@dataclass(frozen=True)
class Progress:
    """How far a job is: a share of 1, what it does now, and seconds left where that can be said."""

    fraction: float
    message: str
    eta_s: float | None = None


@dataclass(frozen=True)
class Take:
    """One finished sound track on disk.

    Attributes:
        measured: how the wanted onsets were hit, None if none were wanted.
        notes: sentences for the person.
    """

    name: str
    folder: Path
    video: Path
    wav: Path
    mel: Path
    settings: Path
    seed: int
    measured: OnsetMatch | None
    notes: tuple[str, ...] = ()
