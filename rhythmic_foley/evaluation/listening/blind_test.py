"""A listening test: blind, in random order, at one loudness, with a hidden reference and a hidden anchor.

    FOLDER/clips/NAME.mp4            pictures; their own sound, where they have one, is the hidden reference
    FOLDER/methods/METHOD/NAME.wav   a sound (or video) of each clip for each method; of several samples the first
    FOLDER/answers/CODE.csv          written by the test, one file a listener

The reference is what no method should beat. The anchor is another clip's sound, dull and shifted, which nobody who
listens can find good; `ratings` uses both to tell who rated with care.
"""

from __future__ import annotations

import csv
import hashlib
import re
import secrets
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.report.folders import ClipFiles, find_clips, first_samples, has_sound, read_sound
from rhythmic_foley.export.comparison import common_loudness, fitted
from rhythmic_foley.media.reading import probe

REFERENCE, ANCHOR = "reference", "anchor"
LOWEST, HIGHEST = 1, 5
RATE_HZ = 48_000
_ANCHOR_HZ = 1000.0
_ANCHOR_SHIFT = 0.37
# Without letters and digits that look alike.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_CODE = re.compile(rf"[{_ALPHABET}]{{4}}-[{_ALPHABET}]{{4}}")
# Clocks and buffers of browsers may lack this much of a sound's length.
_ROUNDING = 0.9


@dataclass(frozen=True)
class Aspect:
    """What is rated from 1 to 5, and what the ends of the scale are called."""

    key: str
    name: str
    question: str
    lowest: str
    highest: str


ASPECTS = (
    Aspect("quality", "Sound quality", "How good does the sound itself seem to you?", "bad", "excellent"),
    Aspect("semantic", "What sounds", "Does what you hear belong to what you see?", "not at all", "entirely"),
    Aspect("timing", "Timing", "Does it sound at the moments at which you see it happen?", "never", "always"),
)
FIELDS = ("time", "clip", "method", *(aspect.key for aspect in ASPECTS), "listens", "seconds")


@dataclass(frozen=True)
class Stimulus:
    """One sound of one clip; `sound` is ready to be played and has a name that tells nothing."""

    clip: str
    method: str
    video: Path
    sound: Path
    duration_s: float


@dataclass(frozen=True)
class Trial:
    """What a listener is shown: the `number`-th of `total` stimuli."""

    number: int
    total: int
    stimulus: Stimulus


class ListeningTest:
    """The test on a folder. Safe to be used by several listeners at once; each is known by a code only."""

    def __init__(self, folder: str | Path, stimuli: Sequence[Stimulus], minimum_listens: int = 1) -> None:
        """Take stimuli as `prepare` gives them, and how often each must be heard to its end before it is rated."""
        self.answers = Path(folder) / "answers"
        self.stimuli = tuple(sorted(stimuli, key=lambda one: (one.clip, one.method)))
        self.minimum_listens = minimum_listens
        self.aspects = ASPECTS
        self._shown: dict[str, tuple[int, float]] = {}
        self._writing = threading.Lock()

    def begin(self) -> str:
        """A new listener's code."""
        self.answers.mkdir(parents=True, exist_ok=True)
        letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
        code = f"{letters[:4]}-{letters[4:]}"
        with open(self._file(code), "x", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(FIELDS)
        return code

    def resume(self, code: str) -> str:
        """The code as it is written, of a listener who comes back.

        Raises:
            FoleyError: if nobody has it.
        """
        code = code.strip().upper()
        if not _CODE.fullmatch(code) or not self._file(code).is_file():
            raise FoleyError("Nobody has this code here; look it up again, or begin anew.")
        return code

    def order(self, code: str) -> tuple[Stimulus, ...]:
        """The stimuli in this listener's own random order, always the same; no clip twice in a row if avoidable."""
        seed = int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], "big")
        random = np.random.default_rng(seed)
        waiting: dict[str, list[Stimulus]] = defaultdict(list)
        for index in random.permutation(len(self.stimuli)):
            waiting[self.stimuli[index].clip].append(self.stimuli[index])
        ordered: list[Stimulus] = []
        while waiting:
            last = ordered[-1].clip if ordered else None
            others = [clip for clip in waiting if clip != last] or list(waiting)
            # Clips with much left are likelier, so that the last ones are not all of one clip.
            left = np.array([len(waiting[clip]) for clip in others], dtype=float)
            clip = others[random.choice(len(others), p=left**2 / (left**2).sum())]
            ordered.append(waiting[clip].pop())
            if not waiting[clip]:
                del waiting[clip]
        return tuple(ordered)

    def next(self, code: str) -> Trial | None:
        """The first stimulus that was not rated yet; None after the last."""
        done = self._rated(code)
        ordered = self.order(code)
        for number, stimulus in enumerate(ordered, start=1):
            if (stimulus.clip, stimulus.method) not in done:
                if self._shown.get(code, (0, 0.0))[0] != number:
                    self._shown[code] = (number, time.monotonic())
                return Trial(number, len(ordered), stimulus)
        return None

    def rate(self, code: str, number: int, ratings: Mapping[str, int], listens: int) -> None:
        """Write down what a listener says of the trial `number`; a trial that is already rated is left as it is.

        Raises:
            FoleyError: if a rating is missing, or if the sound cannot have been heard as often as it must.
        """
        trial = self.next(code)
        if trial is None or trial.number != number:
            return
        values = [ratings.get(aspect.key) for aspect in ASPECTS]
        if not all(isinstance(value, int) and LOWEST <= value <= HIGHEST for value in values):
            raise FoleyError(f"Rate all of {', '.join(aspect.name for aspect in ASPECTS)} from {LOWEST} to {HIGHEST}.")
        seconds = time.monotonic() - self._shown[code][1]
        needed_s = self.minimum_listens * trial.stimulus.duration_s * _ROUNDING
        if listens < self.minimum_listens or seconds < needed_s:
            often = "once" if self.minimum_listens == 1 else f"{self.minimum_listens} times"
            raise FoleyError(f"Listen to the sound to its end at least {often} before you rate it.")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = (now, trial.stimulus.clip, trial.stimulus.method, *values, int(listens), f"{seconds:.1f}")
        with self._writing, open(self._file(code), "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(row)

    def _rated(self, code: str) -> set[tuple[str, str]]:
        with open(self._file(code), newline="", encoding="utf-8") as file:
            return {(row["clip"], row["method"]) for row in csv.DictReader(file)}

    def _file(self, code: str) -> Path:
        return self.answers / f"{code}.csv"


@contextmanager
def open_test(
    folder: str | Path, minimum_listens: int = 1, progress: Callable[[str], None] = lambda line: None
) -> Iterator[ListeningTest]:
    """The test on a folder, whose stimuli are prepared first and go when it is closed; errors as for `prepare`."""
    with tempfile.TemporaryDirectory() as ready:
        yield ListeningTest(folder, prepare(folder, ready, progress), minimum_listens)


def prepare(
    folder: str | Path, ready: str | Path, progress: Callable[[str], None] = lambda line: None
) -> tuple[Stimulus, ...]:
    """All stimuli of a test folder: each clip by each method, with reference and anchor, at one rate and loudness.

    Args:
        ready: gets the sounds, under names that tell nothing.

    Raises:
        FoleyError: if there is no clip, no method, or a method lacks a clip.
    """
    folder = Path(folder)
    clips = {name: files for name, files in find_clips(folder / "clips").items() if files.video}
    if not clips:
        raise FoleyError(f"There is no video in {folder / 'clips'}.")
    sounds = _method_sounds(folder, clips) | _checks(clips, progress)
    durations = {name: probe(files.video).duration_s for name, files in clips.items()}
    keys = sorted(sounds)
    waves = [fitted(sounds[key], RATE_HZ, durations[key[0]]) for key in keys]
    stimuli = []
    for (clip, method), wave, gain_db in zip(keys, waves, common_loudness(waves, RATE_HZ), strict=True):
        path = Path(ready) / f"{secrets.token_hex(8)}.wav"
        write_wav(path, wave * np.float32(10 ** (gain_db / 20)), RATE_HZ)
        stimuli.append(Stimulus(clip, method, clips[clip].video, path, durations[clip]))
    return tuple(stimuli)


def _method_sounds(folder: Path, clips: Mapping[str, ClipFiles]) -> dict[tuple[str, str], tuple[np.ndarray, int]]:
    """By clip and method: samples and rate."""
    methods = sorted(path for path in (folder / "methods").glob("*") if path.is_dir())
    if not methods:
        raise FoleyError(f"There is no folder of a method in {folder / 'methods'}.")
    sounds = {}
    for method in methods:
        if method.name in (REFERENCE, ANCHOR):
            raise FoleyError(f"No method can be called {method.name}: the test adds that itself.")
        files = first_samples(clips, find_clips(method))
        if lacking := [clip for clip in clips if clip not in files]:
            raise FoleyError(f"The method {method.name} has no sound of {', '.join(lacking)}.")
        for clip in clips:
            if (sound := read_sound(files[clip])) is None:
                raise FoleyError(f"The method {method.name} has no sound of {clip}.")
            sounds[clip, method.name] = sound
    return sounds


def _checks(
    clips: Mapping[str, ClipFiles], progress: Callable[[str], None]
) -> dict[tuple[str, str], tuple[np.ndarray, int]]:
    """References and anchors of the clips that have a sound of their own."""
    own = {clip: read_sound(files) for clip, files in clips.items() if has_sound(files)}
    own = {clip: sound for clip, sound in own.items() if sound is not None and sound[0].any()}
    if not own:
        progress("No clip has a sound of its own, so there is neither reference nor anchor: nobody can be dropped.")
    names = list(own)
    checks = {}
    for clip, other in zip(names, names[1:] + names[:1], strict=True):
        checks[clip, REFERENCE] = own[clip]
        checks[clip, ANCHOR] = anchor(*own[other], length_s=len(own[clip][0]) / own[clip][1])
    return checks


def anchor(wave: np.ndarray, rate_hz: int, length_s: float) -> tuple[np.ndarray, int]:
    """A sound that fits nothing: backwards, shifted, without what is above 1 kHz, repeated to a length.

    Args:
        wave: (N,), of another clip where there is one.

    Returns:
        float32 (round(length * rate),) and its rate.
    """
    samples = np.resize(wave[::-1], round(length_s * rate_hz))
    samples = np.roll(samples, round(_ANCHOR_SHIFT * len(samples)))
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / rate_hz) > _ANCHOR_HZ] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32), rate_hz
