"""How often a describer says the right sound, one among three, honestly that it does not know, or a wrong one."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np

from rhythmic_foley.describe import Describer
from rhythmic_foley.describe.base import Description
from rhythmic_foley.describe.speech import is_speech, without_speech
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.pictures import labelled_pictures, read_picture
from rhythmic_foley.evaluation.given_tables import read_rows
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.values.events import UNKNOWN

_RATE_HZ, _SIZE = 4.0, (320, 320)
_PICTURE_S = 2.0
RIGHT, WRONG = "right", "wrong"

Frames = Iterable[tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Labelled:
    """Something to describe, and what is right.

    Attributes:
        sounds: words of which a right answer holds one; none where nothing seen can be told to sound.
        frames: opens what is looked at.
    """

    name: str
    sounds: tuple[str, ...]
    frames: Callable[[], Frames]
    duration_s: float

    def allows(self, label: str) -> bool:
        """Whether a label is right."""
        return any(re.search(rf"\b{re.escape(word)}", label, re.IGNORECASE) for word in self.sounds)


@dataclass(frozen=True)
class Verdict:
    """What a describer made of one thing.

    Attributes:
        sounds: whether something can be told to sound there.
        guesses: labels, the likeliest first, sure or not.
        confidence: of the first guess.
        answer: "right", "wrong" or "unknown": what it says when it may also say that it does not know.
        said: the labels of the answer.
    """

    name: str
    sounds: bool
    guesses: tuple[str, ...]
    first: bool
    among_three: bool
    confidence: float
    answer: str
    said: tuple[str, ...]


def judge(describer: Describer, item: Labelled) -> Verdict:
    """Ask about one thing. The answer's first sound is its most confident one."""
    events, guesses = describer.rank(item.frames(), item.duration_s)
    # As the studio hands it on.
    events = without_speech(Description(events, describer.name)).events
    known = sorted((e for e in events if e.label != UNKNOWN), key=lambda event: -event.confidence)
    if guesses is None:
        guesses = [(event.label, event.confidence) for event in known]
    guesses = [(label, confidence) for label, confidence in guesses if not is_speech(label)]
    labels = tuple(dict.fromkeys(label for label, _ in guesses))
    answer = UNKNOWN if not known else RIGHT if item.allows(known[0].label) else WRONG
    return Verdict(
        name=item.name,
        sounds=bool(item.sounds),
        guesses=labels[:3],
        first=any(map(item.allows, labels[:1])),
        among_three=any(map(item.allows, labels[:3])),
        confidence=guesses[0][1] if guesses else 0.0,
        answer=answer,
        said=tuple(event.label for event in known),
    )


def clips(folder: Path, table: Path | None = None) -> Iterator[Labelled]:
    """The clips of a folder that `classes.csv` has right answers for.

    Args:
        folder: with MP4 files.
        table: names the class of each clip in its columns `clip` and `class_guess`; without them a clip's name is its
            class.
    """
    text = resources.files("rhythmic_foley.evaluation.experiments").joinpath("classes.csv").read_text(encoding="utf-8")
    right = {row["class"]: tuple(row["sounds"].split("|")) for row in csv.DictReader(text.splitlines())}
    classes: dict[str, str] = {}
    if table is not None:
        rows = read_rows(table, ("clip",))
        classes = {row.text("clip"): row.cells.get("class_guess") or row.text("clip") for row in rows}
    for path in sorted(folder.glob("*.mp4")):
        named = classes.get(path.stem, path.stem)
        if named in right:
            frames = partial(read_frames, path, _RATE_HZ, _SIZE, fit="inside")
            yield Labelled(path.stem, right[named], frames, probe(path).duration_s)


def pictures(folder: Path) -> Iterator[Labelled]:
    """The labelled pictures of those packages that are in a folder, each as a clip that stands still.

    Raises:
        FoleyError: if there is none.
    """
    found = 0
    for picture in labelled_pictures():
        pixels = read_picture(folder, picture)
        if pixels is not None:
            found += 1
            still = [(0.0, pixels)]
            yield Labelled(f"{picture.package}/{picture.file}", picture.sounds, partial(iter, still), _PICTURE_S)
    if not found:
        raise FoleyError(f"None of the packages that pictures.csv names is in {folder}; unpack one there.")


def chosen_threshold(verdicts: Sequence[Verdict], cost: float) -> float:
    """The least confidence of an answer that gains most, where a right one gives 1 and a wrong one takes `cost`."""
    best, threshold, gain = 0.0, 1.0, 0.0
    for verdict in sorted(verdicts, key=lambda verdict: -verdict.confidence):
        gain += 1.0 if verdict.first else -cost
        if gain > best:
            best, threshold = gain, verdict.confidence
    return threshold


def cross_validated(
    verdicts: Sequence[Verdict], cost: float, folds: int = 5, seed: int = 0
) -> tuple[list[float], dict[str, float]]:
    """The threshold chosen without each fifth, and how that fifth is answered with it.

    Returns:
        The thresholds, and the shares of right, unknown and wrong answers among all.
    """
    order = np.random.default_rng(seed).permutation(len(verdicts))
    thresholds, answers = [], {RIGHT: 0, UNKNOWN: 0, WRONG: 0}
    for fold in range(folds):
        out = set(order[fold::folds].tolist())
        threshold = chosen_threshold([v for i, v in enumerate(verdicts) if i not in out], cost)
        thresholds.append(threshold)
        for index in out:
            verdict = verdicts[index]
            answers[UNKNOWN if verdict.confidence < threshold else RIGHT if verdict.first else WRONG] += 1
    return thresholds, {name: count / len(verdicts) for name, count in answers.items()}


def table(groups: dict[str, Sequence[Verdict]]) -> str:
    """Markdown: a row for each group of things, those that sound apart from those that do not."""
    lines = [
        "| what | n | first | among three | answer right | unknown | wrong |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, verdicts in groups.items():
        for sounding, about in ((True, "sounding"), (False, "nothing to tell")):
            some = [verdict for verdict in verdicts if verdict.sounds == sounding]
            if not some:
                continue
            ranked = [sum(v.first for v in some), sum(v.among_three for v in some)] if sounding else ["", ""]
            answers = [sum(v.answer == answer for v in some) for answer in (RIGHT, UNKNOWN, WRONG)]
            cells = [f"{name}, {about}", len(some), *ranked, *answers]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
