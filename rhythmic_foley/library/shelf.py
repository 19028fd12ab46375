"""Find samples by words, or by their likeness to a sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rhythmic_foley.library.index import Embed, Index
from rhythmic_foley.library.sample import Found

# What a network hears is less sure than what a person has called a file.
_TRUST_IN_HEARING = 0.9


class Shelf:
    """An index with its words laid out for searching."""

    def __init__(self, index: Index) -> None:
        self.index = index
        number = {name: row for row, name in enumerate(index.wordings)}
        rows, owners, trust = [], [], []
        for owner, one in enumerate(index.recordings):
            for names, how_sure in ((one.words, 1.0), (one.heard, _TRUST_IN_HEARING)):
                rows += [number[name] for name in names]
                owners += [owner] * len(names)
                trust += [how_sure] * len(names)
        self._rows, self._owners = np.array(rows, int), np.array(owners, int)
        self._trust = np.array(trust, np.float32)

    def by_words(self, query: np.ndarray) -> np.ndarray:
        """Similarity of each recording to the nearest of embedded texts (Q, D). Returns (recordings,)."""
        best = np.full(len(self.index.recordings), -1.0, np.float32)
        if len(self._rows):
            near = (self.index.vectors.astype(np.float32) @ query.T).max(axis=1)[self._rows] * self._trust
            np.maximum.at(best, self._owners, near)
        best[[not one.cuts for one in self.index.recordings]] = -1.0
        return best

    def by_sound(self, embedding: np.ndarray) -> np.ndarray:
        """Cosine of each recording's embedding to another sound's (1024,). Returns (recordings,)."""
        sounds = self.index.sounds.astype(np.float32)
        if not sounds.size:
            return np.full(len(self.index.recordings), -1.0, np.float32)
        lengths = np.maximum(np.linalg.norm(sounds, axis=1), 1e-6) * max(float(np.linalg.norm(embedding)), 1e-6)
        near = sounds @ embedding.astype(np.float32) / lengths
        near[[not one.cuts for one in self.index.recordings]] = -1.0
        return near

    def found(self, similarity: np.ndarray, least: float, most: int) -> tuple[Found, ...]:
        """Samples of the recordings from a similarity on, nearest first, at most so many recordings."""
        order = [number for number in np.argsort(-similarity, kind="stable")[:most] if similarity[number] >= least]
        return tuple(
            Found(sample, round(float(similarity[number]), 4))
            for number in order
            for sample in self.index.samples(number)
        )


class SoundLibrary:
    """Shelves of samples, a person's own before the bank.

    Args:
        own: indexes of a person's folders.
        bank: what comes with the program; None for none.
        embed: texts to unit vectors.
    """

    def __init__(self, own: Sequence[Index], bank: Index | None, embed: Embed) -> None:
        self.own = tuple(map(Shelf, own))
        self.bank = None if bank is None else Shelf(bank)
        self.embed = embed

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        """A person's own first."""
        return self.own if self.bank is None else (*self.own, self.bank)

    def find(self, text: str, count: int = 10) -> tuple[Found, ...]:
        """The samples whose names are nearest to a text, over all shelves, nearest first."""
        query = self.embed([text])
        found = [one for shelf in self.shelves for one in shelf.found(shelf.by_words(query), -1.0, count)]
        return tuple(sorted(found, key=lambda one: -one.similarity)[:count])

    def like(self, embedding: np.ndarray, count: int = 10) -> tuple[Found, ...]:
        """The samples that sound most like an embedded sound, (1024,)."""
        found = [one for shelf in self.shelves for one in shelf.found(shelf.by_sound(embedding), -1.0, count)]
        return tuple(sorted(found, key=lambda one: -one.similarity)[:count])
