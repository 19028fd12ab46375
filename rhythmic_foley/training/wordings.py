"""Other wordings of the training library's captions: what a person may type who means that sound.

`describe/wordings.csv` was written by hand, in several registers: keywords, short sentences, what is seen. The order
within a caption is that of the wordings' checksums, so that the last one, which is kept for evaluation, is of any
register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhythmic_foley.describe.wordings import read_wordings

_AS_IT_IS = 0.4  # how often a caption that has other wordings stands for itself


@dataclass(frozen=True)
class Wordings:
    """The texts that stand for a list of captions in training.

    Attributes:
        texts: the captions, then the other wordings of them.
        others: for each caption the indices in `texts` of its other wordings; none for a caption the table lacks.
    """

    texts: tuple[str, ...]
    others: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, captions: Sequence[str]) -> Wordings:
        """Those of the package's table, without the ones kept for evaluation."""
        texts, others = list(captions), []
        for caption in captions:
            trained = read_wordings().get(caption, ())[:-1]
            others.append(tuple(range(len(texts), len(texts) + len(trained))))
            texts += trained
        return cls(tuple(texts), tuple(others))

    def draw(self, captions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Indices of captions -> indices in `texts` of the same shape; -1 (no event) stays."""
        as_it_is = rng.random(captions.shape) < _AS_IT_IS
        turn = rng.integers(1 << 30, size=captions.shape)
        drawn = captions.astype(np.int64)
        for place in np.argwhere(~as_it_is & (captions >= 0)):
            others = self.others[captions[tuple(place)]]
            if others:
                drawn[tuple(place)] = others[turn[tuple(place)] % len(others)]
        return drawn


def kept_wording(caption: str) -> str | None:
    """The one wording of a caption that is never trained on: the last in the table."""
    wordings = read_wordings().get(caption)
    return wordings[-1] if wordings else None
