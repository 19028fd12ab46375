"""What things sound like: the hand-made table from picture classes to sounds.

`imagenet_classes.csv` names the 1000 ImageNet classes and says which sounding thing each one is (nothing where it is
silent or tells too little); `sounding_things.csv` says what each thing sounds like: label and detail, worded near the
captions that the sound model learned, whether the sound is impulsive, continuous or vocal, and a trust of 0 to 1: how
often seeing the thing means hearing that sound (a chainsaw nearly always saws, a cup seldom clinks).
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
    """One row of `sounding_things.csv`; several things may share a label and differ in detail."""

    thing: str
    label: str
    detail: str
    kind: str
    trust: float


@dataclass(frozen=True)
class SoundTable:
    """Things that sound, and the thing behind each class of the picture network.

    Attributes:
        things: one entry a thing.
        class_names: name of every class.
        class_things: for every class the name of its thing, "" for none.
    """

    things: tuple[SoundingThing, ...]
    class_names: tuple[str, ...]
    class_things: tuple[str, ...]

    @classmethod
    def load(cls) -> SoundTable:
        """The table that comes with the package."""
        classes = _read("imagenet_classes.csv")
        return cls(
            things=tuple(
                SoundingThing(**{**row, "trust": float(row["trust"])}) for row in _read("sounding_things.csv")
            ),
            class_names=tuple(row["name"] for row in classes),
            class_things=tuple(row["thing"] for row in classes),
        )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every label once, in the table's order."""
        return tuple(dict.fromkeys(thing.label for thing in self.things))

    def pool(self, probabilities: np.ndarray) -> np.ndarray:
        """Add up what speaks for each sound, weighted by trust: probabilities (F, classes) -> mass (F, labels)."""
        return (probabilities @ self._class_to_thing) @ self._thing_to_label

    def detail(self, label: str, probabilities: np.ndarray) -> str:
        """The detail behind most of the label's mass in probabilities (F, classes); "" when none has half of it."""
        mass = (probabilities @ self._class_to_thing).sum(axis=0) * self._thing_to_label[:, self.labels.index(label)]
        by_detail: dict[str, float] = {}
        for thing, amount in zip(self.things, mass, strict=True):
            by_detail[thing.detail] = by_detail.get(thing.detail, 0.0) + float(amount)
        best = max(by_detail, key=by_detail.__getitem__)
        return best if by_detail[best] >= 0.5 * mass.sum() else ""

    def kind(self, label: str) -> str:
        """ "impulsive", "continuous" or "vocal"."""
        return next(thing.kind for thing in self.things if thing.label == label)

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
        matrix = np.zeros((len(self.things), len(self.labels)), dtype=np.float32)
        for row, thing in enumerate(self.things):
            matrix[row, self.labels.index(thing.label)] = thing.trust
        return matrix


@cache
def _kinds() -> dict[str, str]:
    return {thing.label: thing.kind for thing in SoundTable.load().things}


def kind_of(label: str) -> str:
    """ "impulsive", "continuous" or "vocal"; "" for a label that the table does not know."""
    return _kinds().get(label, "")


def goes_on(label: str) -> bool:
    """Whether a sound goes on without hits, as rain does; False for a label that the table does not know."""
    return kind_of(label) == "continuous"


def _read(name: str) -> list[dict[str, str]]:
    text = resources.files("rhythmic_foley.describe").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
