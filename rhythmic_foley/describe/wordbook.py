"""The sounds that the model has learnt by name, and which of them a typed text means.

Texts are compared by the sentence embeddings of the checkpoint's text encoder, which is what the model itself reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.describe.speech import is_speech
from rhythmic_foley.describe.wordings import read_wordings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# The vocabulary's plain names come before special ones that are as near.
_PLAIN = 0.1
# A sound with a word that begins as the typed one does counts as so much nearer, more so if that is in its name: half
# a word has no meaning yet.
_NAME_BEGINS, _TEXT_BEGINS = 0.4, 0.2
_ENDINGS = ("ing", "ings", "ed", "d", "es", "s", "er", "ers", "ly", "y", "'s")


@cache
def _known() -> frozenset[str]:
    return frozenset(text.lower() for text, _ in known_texts())


def is_known(text: str) -> bool:
    """Whether a text stands literally among those that the model knows."""
    return " ".join(text.lower().split()) in _known()


def known_texts() -> tuple[tuple[str, str], ...]:
    """Every text that the model knows and the name of the sound that it stands for: vocabulary, captions, wordings."""
    pairs = [(label, label) for label in SoundTable.load().labels if not is_speech(label)]
    for caption, wordings in read_wordings().items():
        pairs += [(text, caption) for text in (caption, *wordings[:-1])]
    return tuple(dict(reversed(pairs)).items())[::-1]


@dataclass(frozen=True)
class Wordbook:
    """What the model has learnt to name.

    Attributes:
        texts: every known text: names of sounds and other wordings of them.
        names: for each text the name of the sound that it stands for.
        embeddings: (texts, D), L2-normalised rows.
        embed: sentence embeddings (B, D) of texts.
        tokenizer: the text encoder's.
        max_tokens: how many tokens of a description the model reads, both markers included.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...]
    embeddings: np.ndarray
    embed: Callable[[Sequence[str]], np.ndarray]
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int

    def similarity(self, text: str) -> float:
        """Cosine similarity of a text to the nearest known one, -1 to 1."""
        return float(self._similarities(text).max())

    def nearest(self, text: str, count: int) -> tuple[str, ...]:
        """Names of the sounds nearest to a text in meaning, the nearest first, each once."""
        return self._best(self._similarities(text), count)

    def complete(self, typed: str, count: int) -> tuple[str, ...]:
        """Names of the sounds that may be meant by what has been typed so far, the likeliest first.

        Nearest by meaning, where a word that begins like the last typed one counts as near.
        """
        typed = " ".join(typed.lower().split())
        if not typed:
            return ()
        last = typed.split()[-1]
        bonus = (
            _TEXT_BEGINS * _begin(self.texts, last) + _NAME_BEGINS * _begin(self.names, last) + _PLAIN * self._plain
        )
        return self._best(self._similarities(typed) + bonus, count)

    def has_word(self, word: str) -> bool:
        """Whether a word (in lower case) is among the known texts, or one of English that the encoder knows whole."""
        stems = {word, *(word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))}
        stems |= {stem + "e" for stem in stems} | {
            stem[:-1] for stem in stems if len(stem) > 3 and stem[-1:] == stem[-2:-1]
        }
        return any(stem in self._words or (len(stem) > 2 and stem in self._vocabulary) for stem in stems) or all(
            part in self._words or part in self._vocabulary for part in re.split(r"['\u2019-]", word)
        )

    def has_learnt(self, word: str) -> bool:
        """Whether a word (in lower case) is among the known texts."""
        return word in self._words

    def left_out(self, text: str) -> str:
        """The end of a text that the model does not read; "" if it reads all."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        offsets = encoded["offset_mapping"]
        room = self.max_tokens - 2
        return "" if len(offsets) <= room else text[offsets[room][0] :]

    def _similarities(self, text: str) -> np.ndarray:
        return self.embeddings @ self.embed([text])[0]

    def _best(self, scores: np.ndarray, count: int) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for index in np.argsort(-scores, kind="stable"):
            found.setdefault(self.names[index])
            if len(found) == count:
                break
        return tuple(found)

    @cached_property
    def _plain(self) -> np.ndarray:
        plain = set(SoundTable.load().labels)
        return np.array([name in plain for name in self.names])

    @cached_property
    def _lower(self) -> tuple[str, ...]:
        return tuple(text.lower() for text in self.texts)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(word for text in self._lower for word in re.findall(r"[^\W\d_]+", text))

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        return self.tokenizer.get_vocab()


def _begin(texts: Sequence[str], start: str) -> np.ndarray:
    """Which texts have a word that begins so, (texts,)."""
    return np.array([any(word.startswith(start) for word in text.lower().split()) for text in texts])
