"""What is asked of the studio."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from rhythmic_foley.errors import FoleyError, quoted, shown
from rhythmic_foley.values.events import MODEL, SoundEvent, check_source, event_as_json, events_from_data
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.limits import MAX_EVENTS, MAX_ONSETS, MAX_TEXT, MIN_CLIP_S
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.seeds import DRAW, MAX_SEED, read_seed

PICTURE, SOUND, BOTH = ONSET_SOURCES = ("picture", "sound", "both")
MAX_TAKES = 8
MAX_FOLDERS, MAX_SAMPLES = 50, 200


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
        if not (_is_number(self.start_s) and _is_number(self.end_s)):
            raise FoleyError("The start and the end of the stretch to fix must be numbers of seconds.")
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
        seed: of the first take, the next ones count on; None and -1 draw one.
        keep_original_db: gain of the clip's own sound under the new one; None leaves it out.
        loudness_lufs: integrated loudness of the new sound; None leaves it as it came.
        range_s: start and end of the stretch that is dubbed and written; None for the whole clip.
        fix: makes only a stretch of an earlier take anew. Range, loudness and mix are that take's.
        source: what sounds are made of unless an event says otherwise: "model", "samples", "blend" (samples that the
            model changes), or "auto", which takes samples where the library has what the words say, else the model.
        library: folders of sounds to look in before the bank that comes with the program.
        samples: sound files that every event is made of which names none itself.
        reference: one such file, as older settings name it; events are blended from it unless `source` says otherwise.
        reference_strength: of the samples in a blend, from 0 (the model alone) to 1 (the samples untouched).
        stems: also writes the sound of a single event as a stem; of several events stems are written in any case.
        onsets_from: where onsets that are left open come from: the "picture", the clip's own "sound", or "both".
        guide: a recording of taps, claps or a voice in time with the clip, whose attacks are the onsets instead.
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
    steps: int = 10
    seed: int | None = None
    takes: int = 1
    keep_original_db: float | None = None
    loudness_lufs: float | None = -16.0
    range_s: tuple[float, float] | None = None
    fix: Fix | None = None
    source: str = MODEL
    library: tuple[Path, ...] = ()
    samples: tuple[Path, ...] = ()
    reference: Path | None = None
    reference_strength: float = 0.5
    stems: bool = False
    onsets_from: str = PICTURE
    guide: Path | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_kind(field.name, getattr(self, field.name))
        if self.seed == DRAW:
            object.__setattr__(self, "seed", None)
        self._check_counts()
        self._check_texts()
        check_source(self.source)
        if len(self.library) > MAX_FOLDERS or len(self.samples) > MAX_SAMPLES:
            raise FoleyError(f"At most {MAX_FOLDERS} folders and {MAX_SAMPLES} files of samples can be named.")
        self._check_ranges()

    def _check_ranges(self) -> None:
        if not 1 <= self.takes <= MAX_TAKES:
            raise FoleyError(f"The number of takes must be between 1 and {MAX_TAKES}, not {self.takes}.")
        if self.onsets_from not in ONSET_SOURCES:
            raise FoleyError(f"Onsets come from the picture, the sound or both, not from {quoted(self.onsets_from)}.")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise FoleyError(f"The seed must be between 0 and {MAX_SEED}, or {DRAW} to have one drawn.")
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

    def _check_counts(self) -> None:
        if len(self.onsets or ()) > MAX_ONSETS:
            raise FoleyError(f"There are {len(self.onsets or ())} onsets; the limit is {MAX_ONSETS}.")
        if len(self.events or ()) > MAX_EVENTS:
            raise FoleyError(f"There are {len(self.events or ())} sounds; the limit is {MAX_EVENTS}.")

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
        plain = self if folder is None else self.with_paths(lambda path: Path(os.path.relpath(path, folder)))
        data = asdict(plain) | {"events": plain.events and [event_as_json(event) for event in plain.events]}
        return json.dumps({**data, **more}, indent=2, ensure_ascii=False, default=Path.as_posix)

    @classmethod
    def from_json(cls, text: str, folder: Path = Path()) -> Controls:
        """Inverse of `to_json`.

        Args:
            folder: where the file lies.

        Raises:
            FoleyError: if the text is not such a file.
        """
        try:
            data = json.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise FoleyError("These settings cannot be read; use a settings file that a dub has written.")
        known = {field.name: _read(field.name, data[field.name]) for field in fields(cls) if field.name in data}
        return cls(**known).with_paths(folder.joinpath)

    def with_paths(self, change: Callable[[Path], Path]) -> Controls:
        """The controls with every file and folder that they name changed by a function."""
        return replace(
            self,
            fix=self.fix and replace(self.fix, take=change(self.fix.take)),
            reference=self.reference and change(self.reference),
            guide=self.guide and change(self.guide),
            library=tuple(map(change, self.library)),
            samples=tuple(map(change, self.samples)),
            events=self.events
            and tuple(replace(event, samples=tuple(map(change, event.samples))) for event in self.events),
        )


_LARGEST = 1e12  # of any number but a seed; each has its own range besides


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_span(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_number, value))


def _all_of(value: Any, kind: type) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(item, kind) for item in value)


@dataclass(frozen=True)
class _Kind:
    """What a field of `Controls` may hold.

    Attributes:
        words: how sentences call it.
        fits: whether a value other than None is of it.
        read: from JSON to the value; None where JSON holds the value itself.
    """

    words: str
    fits: Callable[[Any], bool]
    read: Callable[[Any], Any] | None = None


def _read_fix(value: Any) -> Fix:
    if not isinstance(value, dict) or not isinstance(value.get("take"), str):
        raise FoleyError('it must be an object with "take", "start_s" and "end_s".')
    return Fix(Path(value["take"]), value.get("start_s"), value.get("end_s"))  # type: ignore[arg-type]


def _read_span(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _read_path(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise FoleyError("it must be the path of a file.")
    return Path(value)


def _read_paths(value: Any) -> tuple[Path, ...]:
    if not isinstance(value, list):
        raise FoleyError("it must be a list of paths.")
    return tuple(map(_read_path, value))


_NUMBER = _Kind("a number", _is_number)
_WHOLE = _Kind("a whole number", lambda value: _is_whole(value) and _is_number(value))
_SEED = _Kind("a whole number", _is_whole, lambda value: read_seed(value) if isinstance(value, str) else value)
_TEXT = _Kind("text", lambda value: isinstance(value, str))
_FLAG = _Kind("true or false", lambda value: isinstance(value, bool))
_KINDS = {
    "events": _Kind("a list of sounds", lambda value: _all_of(value, SoundEvent), events_from_data),
    "onsets": _Kind("onsets", lambda value: isinstance(value, Onsets), Onsets.from_data),
    "text": _TEXT,
    "negative": _TEXT,
    "semantic_scale": _NUMBER,
    "temporal_scale": _NUMBER,
    "guidance_scale": _NUMBER,
    "classifier_scale": _NUMBER,
    "onset_guidance": _NUMBER,
    "steps": _WHOLE,
    "seed": _SEED,
    "takes": _WHOLE,
    "keep_original_db": _NUMBER,
    "loudness_lufs": _NUMBER,
    "range_s": _Kind("the start and the end of a stretch in seconds", _is_span, _read_span),
    "fix": _Kind("a stretch of a take", lambda value: isinstance(value, Fix), _read_fix),
    "source": _TEXT,
    "library": _Kind("a list of folders", lambda value: _all_of(value, Path), _read_paths),
    "samples": _Kind("a list of files", lambda value: _all_of(value, Path), _read_paths),
    "reference": _Kind("the path of a file", lambda value: isinstance(value, Path), _read_path),
    "reference_strength": _NUMBER,
    "stems": _FLAG,
    "onsets_from": _TEXT,
    "guide": _Kind("the path of a file", lambda value: isinstance(value, Path), _read_path),
}
# Fields that may be left open.
_NULLABLE = {field.name for field in fields(Controls) if field.default is None} | {"loudness_lufs"}


def _check_kind(name: str, value: Any) -> None:
    """Raises a sentence that names a field whose value is of another kind."""
    kind = _KINDS[name]
    if value is None and name in _NULLABLE or value is not None and kind.fits(value):
        return
    raise FoleyError(f"{name} must be {kind.words}, not {shown(value)}.")


def _read(name: str, value: Any) -> Any:
    """A field from JSON.

    Raises:
        FoleyError: if it cannot be read, naming the field.
    """
    read = _KINDS[name].read
    if value is None or read is None:
        return value
    try:
        return read(value)
    except FoleyError as error:
        raise FoleyError(f"The settings' {name} cannot be read: {error}") from None
