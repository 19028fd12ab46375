"""A seeded corpus: file number N is the same on every machine that has the same encoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fuzz.clips_of_all_kinds import KINDS
from fuzz.mutations import MUTATIONS
from fuzz.odd_kinds import ODD_KINDS

ALL_KINDS = {**KINDS, **ODD_KINDS}


class Corpus:
    """Files by number: first every kind of clip as it is, then each damaged in every way, over and over.

    Args:
        folder: gets the undamaged clips.
        kinds: names in `ALL_KINDS`; by default those of `KINDS`.
    """

    def __init__(self, folder: Path, seed: int = 0, kinds: tuple[str, ...] = tuple(KINDS)) -> None:
        self.folder, self.seed, self.kinds = folder, seed, kinds

    def name(self, number: int) -> str:
        """What file `number` is: the kind of clip and what was done to it."""
        kind = self._kind(number)
        words = (f"{number:05d}", kind, *(mutation.__name__ for mutation in self._mutations(number)))
        return "-".join(words) + ALL_KINDS[kind].suffix

    def content(self, number: int) -> bytes:
        """What file `number` holds."""
        data = self._clip(self._kind(number))
        rng = np.random.default_rng([self.seed, number, 1])
        for mutation in self._mutations(number):
            other = self._clip(self.kinds[rng.integers(len(self.kinds))])
            data = mutation(rng, data, other) or b"\0"
        return data

    def _kind(self, number: int) -> str:
        return self.kinds[number % len(self.kinds)]

    def _mutations(self, number: int) -> tuple:
        round_number = number // len(self.kinds)
        if round_number == 0:
            return ()
        first = MUTATIONS[(round_number - 1 + number) % len(MUTATIONS)]
        rng = np.random.default_rng([self.seed, number])
        return (first, MUTATIONS[rng.integers(len(MUTATIONS))]) if rng.random() < 0.2 else (first,)

    def _clip(self, name: str) -> bytes:
        """The undamaged clip of a kind, made when it is first asked for."""
        path = self.folder / f"{name}{ALL_KINDS[name].suffix}"
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"part-{path.name}")
            ALL_KINDS[name].write(part)
            part.rename(path)
        return path.read_bytes()
