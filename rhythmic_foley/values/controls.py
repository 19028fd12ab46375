"""What is asked of the studio."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any

from rhythmic_foley.errors import MALFORMED, FoleyError, quoted
from rhythmic_foley.values.events import SoundEvent, events_from_json
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.limits import MAX_EVENTS, MAX_ONSETS, MAX_TEXT, MIN_CLIP_S
from rhythmic_foley.values.onsets import Onsets

MAX_TAKES = 8
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Fix:
    """A stretch of a take that is made anew while the rest stays.

    Attributes:
        take: the take's folder.
        start_s: in seconds of the whole clip; likewise `end_s`.
    """

    take: Path
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s < math.inf:
            raise FoleyError(
                f"The stretch to fix must end after it starts, unlike {self.start_s:g} to {self.end_s:g} s."
            )

    @property
    def interval(self) -> Interval:
        """The stretch itself."""
        return Interval(self.start_s, self.end_s)


@dataclass(frozen=True)
class Controls:
    """How to dub a clip. All times count in seconds of the whole clip, with or without a range.

    Attributes:
        events: what sounds when; None for the analysis's proposal.
        onsets: when something hits; None for the analysis's proposal.
        text: one description for the whole clip, instead of the events.
        negative: what should not be heard.
        semantic_scale: strength of the description, 0 is off.
        temporal_scale: strength of the onsets, 0 is off.
        classifier_scale: of a second guidance by Diff-Foley's alignment classifier, where the model has one; 0 is off.
        onset_guidance: of steering towards the onsets without the temporal adapter; 0 is off, 1 is plenty.
        seed: of the first take, the next ones count on; None draws one.
        keep_original_db: gain of the clip's own sound under the new one; None leaves it out.
        loudness_lufs: integrated loudness of the new sound; None leaves it as it came.
        range_s: start and end of the stretch that is dubbed and written; None for the whole clip.
        fix: makes only a stretch of an earlier take anew. Range, loudness and mix are that take's.
        reference: a sound file of one hit, heard at each onset before the diffusion begins.
        reference_strength: how much of it stays, from 0 (nothing) to 1 (nearly all).
        stems: also makes each event's sound alone, from the same seed (but not for a fix, whose rest has another).
            Their sum is not the take: each is what the model makes of one event.
    """

    events: tuple[SoundEvent, ...] | None = None
    onsets: Onsets | None = None
    text: str | None = None
    negative: str = ""
    semantic_scale: float = 1.0
    temporal_scale: float = 1.0
    guidance_scale: float = 3.0
    classifier_scale: float = 0.0
    onset_guidance: float = 0.0
    steps: int = 20
    seed: int | None = None
    takes: int = 1
    keep_original_db: float | None = None
    loudness_lufs: float | None = -16.0
    range_s: tuple[float, float] | None = None
    fix: Fix | None = None
    reference: Path | None = None
    reference_strength: float = 0.5
    stems: bool = False

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_texts()
        if not 1 <= self.takes <= MAX_TAKES:
            raise FoleyError(f"The number of takes must be between 1 and {MAX_TAKES}, not {self.takes}.")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise FoleyError(f"The seed must be between 0 and {MAX_SEED}, not {self.seed}.")
        if self.loudness_lufs is not None and not -60 <= self.loudness_lufs <= -5:
            raise FoleyError(f"The loudness must be between -60 and -5 LUFS, not {self.loudness_lufs:g}.")
        if self.keep_original_db is not None and not -60 <= self.keep_original_db <= 12:
            raise FoleyError(f"The original's gain must be between -60 and 12 dB, not {self.keep_original_db:g}.")

        if not 0 <= self.reference_strength <= 1:
            raise FoleyError(f"The reference's strength must be between 0 and 1, not {self.reference_strength:g}.")
        if self.range_s is not None:
            start_s, end_s = self.range_s
            if not (0 <= start_s < math.inf and MIN_CLIP_S <= end_s - start_s < math.inf):
                raise FoleyError(
                    f"The range must start at 0 or later and last at least {MIN_CLIP_S:g} s, "
                    f"unlike {start_s:g} to {end_s:g} s."
                )

    def _check_numbers(self) -> None:
        for name in _NUMBERS:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and -_LARGEST < value < _LARGEST):
                raise FoleyError(f"{name} must be a number, not {value!r:.20}.")
        if self.onsets is not None and len(self.onsets) > MAX_ONSETS:
            raise FoleyError(f"There are {len(self.onsets)} onsets; the limit is {MAX_ONSETS}.")
        if self.events is not None and len(self.events) > MAX_EVENTS:
            raise FoleyError(f"There are {len(self.events)} sounds; the limit is {MAX_EVENTS}.")

    def _check_texts(self) -> None:
        texts = [self.text or "", self.negative]
        for event in self.events or ():
            texts += [event.label, event.detail]
        for text in texts:
            if len(text) > MAX_TEXT:
                raise FoleyError(f"{quoted(text)} is too long; the limit is {MAX_TEXT} letters.")
            if any("\ud800" <= letter <= "\udfff" for letter in text):  # half a letter, which no file can hold
                raise FoleyError("A description holds a letter that cannot be written; please type it again.")

    def to_json(self, folder: Path | None = None, **more: Any) -> str:
        """A settings file; `more` is stored beside the controls and ignored when read back.

        Args:
            folder: where the file will lie; paths are written as seen from there.
        """
        plain = self if folder is None else self._with_paths(lambda path: Path(os.path.relpath(path, folder)))
        return json.dumps({**asdict(plain), **more}, indent=2, ensure_ascii=False, default=Path.as_posix)

    @classmethod
    def from_json(cls, text: str, folder: Path = Path()) -> Controls:
        """Inverse of `to_json`.

        Args:
            folder: where the file lies.

        Raises:
            FoleyError: if the text is not such a file.
        """
        try:
            data = json.loads(text)
            known = {
                f.name: data[f.name] if data[f.name] is None else _READERS[f.name](data[f.name])
                for f in fields(cls)
                if f.name in data
            }
            return cls(**known)._with_paths(folder.joinpath)
        except MALFORMED:
            raise FoleyError("These settings cannot be read; use a settings file that a dub has written.") from None

    def _with_paths(self, change: Callable[[Path], Path]) -> Controls:
        fix = self.fix and replace(self.fix, take=change(self.fix.take))
        return replace(self, fix=fix, reference=self.reference and change(self.reference))


# Fields that are numbers, and those of them that are whole.
_NUMBERS = (
    "semantic_scale",
    "temporal_scale",
    "guidance_scale",
    "classifier_scale",
    "onset_guidance",
    "keep_original_db",
    "loudness_lufs",
    "reference_strength",
    "steps",
    "seed",
    "takes",
)
_WHOLE = ("steps", "seed", "takes")
_LARGEST = 1e12  # of any of them; each has its own range besides


def _exactly(kind: type | UnionType) -> Callable[[Any], Any]:
    """A reader that takes nothing for what it is not: neither "3" for 3 nor true for 1."""

    def read(value: Any) -> Any:
        if isinstance(value, bool) and kind is not bool or not isinstance(value, kind):
            raise TypeError(f"{value!r} is not of {kind}")
        return value

    return read


# How the fields of `Controls` are read from JSON.
_READERS: dict[str, Callable[[Any], Any]] = {
    **{name: _exactly(int if name in _WHOLE else int | float) for name in _NUMBERS},
    "text": _exactly(str),
    "negative": _exactly(str),
    "stems": _exactly(bool),
    "events": lambda events: events_from_json(json.dumps(events)),
    "onsets": lambda onsets: Onsets.of(onsets["times_s"], onsets["strengths"]),
    "range_s": lambda range_s: tuple(map(_exactly(int | float), _exactly(list)(range_s)[:2])),
    "fix": lambda fix: Fix(Path(fix["take"]), fix["start_s"], fix["end_s"]),
    "reference": Path,
}
