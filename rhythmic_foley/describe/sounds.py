"""What things sound like: the vocabulary of sounds, and the hand-made table from picture classes to them.

`vocabulary.csv` lists every sound that can be suggested, worded near the captions that the sound model learned, and
whether it is impulsive, continuous or vocal. `imagenet_classes.csv` names the 1000 ImageNet classes and says which
thing each one is (nothing where it tells too little). `sounding_things.csv` says what each thing sounds like: its
usual sound with a detail and a trust of 0 to 1, which is how often seeing the thing means hearing that sound (a
chainsaw nearly always saws, a cup seldom clinks), and what else may be heard where it is seen, with a trust each.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np

KINDS = ("impulsive", "continuous", "vocal")


@dataclass(frozen=True)
class SoundingThing:
    """One row of `sounding_things.csv`; several things may share a label and differ in detail.

    Attributes:
        also: other sounds as (label, trust).
    """

    thing: str
    label: str
    detail: str
    trust: float
    also: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class SoundTable:
    """Things that sound, and the thing behind each class of the picture network.

    Attributes:
        things: one entry a thing.
        class_names: name of every class.
        class_things: for every class the name of its thing, "" for none.
        vocabulary: (label, kind) of every sound.
    """

    things: tuple[SoundingThing, ...]
    class_names: tuple[str, ...]
    class_things: tuple[str, ...]
    vocabulary: tuple[tuple[str, str], ...]

    @classmethod
    def load(cls) -> SoundTable:
        """The table that comes with the package."""
        classes = _read("imagenet_classes.csv")
        return cls(
            things=tuple(map(_thing, _read("sounding_things.csv"))),
            class_names=tuple(row["name"] for row in classes),
            class_things=tuple(row["thing"] for row in classes),
            vocabulary=tuple((row["label"], row["kind"]) for row in _read("vocabulary.csv")),
        )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every sound of the vocabulary, in its order."""
        return tuple(label for label, _ in self.vocabulary)

    def pool(self, probabilities: np.ndarray) -> np.ndarray:
        """Add up what speaks for each sound, weighted by trust: probabilities (F, classes) -> mass (F, labels)."""
        return (probabilities @ self._class_to_thing) @ self._thing_to_label

    def detail(self, label: str, probabilities: np.ndarray) -> str:
        """The detail behind most of the label's mass in probabilities (F, classes); "" when none has half of it."""
        mass = (probabilities @ self._class_to_thing).sum(axis=0) * self._thing_to_label[:, self.labels.index(label)]
        by_detail: dict[str, float] = {}
        for thing, amount in zip(self.things, mass, strict=True):
            detail = thing.detail if thing.label == label else ""
            by_detail[detail] = by_detail.get(detail, 0.0) + float(amount)
        best = max(by_detail, key=by_detail.__getitem__)
        return best if by_detail[best] >= 0.5 * mass.sum() else ""

    def kind(self, label: str) -> str:
        """ "impulsive", "continuous" or "vocal"."""
        return dict(self.vocabulary)[label]

    @cached_property
    def _class_to_thing(self) -> np.ndarray:  # (classes, things), 0 or 1
        column = {thing.thing: i for i, thing in enumerate(self.things)}
        matrix = np.zeros((len(self.class_things), len(self.things)), dtype=np.float32)
        for row, thing in enumerate(self.class_things):
            if thing:
                matrix[row, column[thing]] = 1.0
        return matrix

    @cached_property
    def _thing_to_label(self) -> np.ndarray:  # (things, labels), the thing's trust
        column = {label: i for i, label in enumerate(self.labels)}
        matrix = np.zeros((len(self.things), len(self.labels)), dtype=np.float32)
        for row, thing in enumerate(self.things):
            for label, trust in ((thing.label, thing.trust), *thing.also):
                matrix[row, column[label]] = trust
        return matrix


def _thing(row: dict[str, str]) -> SoundingThing:
    """A row of the table; "a:0.3|b:0.1" in the column `also` are other sounds with their trust."""
    pairs = (pair.rsplit(":", 1) for pair in row["also"].split("|") if pair)
    also = tuple((label, float(trust)) for label, trust in pairs)
    return SoundingThing(row["thing"], row["label"], row["detail"], float(row["trust"]), also)


@cache
def _kinds() -> dict[str, str]:
    return {row["label"]: row["kind"] for row in _read("vocabulary.csv")}


def kind_of(label: str) -> str:
    """ "impulsive", "continuous" or "vocal"; "" for a label that the vocabulary does not have."""
    return _kinds().get(label, "")


def goes_on(label: str) -> bool:
    """Whether a sound goes on without hits, as rain does; False for a label that the vocabulary does not have."""
    return kind_of(label) == "continuous"


def _read(name: str) -> list[dict[str, str]]:
    text = resources.files("rhythmic_foley.describe").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
