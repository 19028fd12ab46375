"""Open the library: a person's folders, indexed where they are new, and the bank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rhythmic_foley.library.bank import load_bank
from rhythmic_foley.library.index import Index, Indexer
from rhythmic_foley.library.shelf import SoundLibrary
from rhythmic_foley.library.words import WordEmbedder
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.values.results import Progress

if TYPE_CHECKING:
    from rhythmic_foley.library.hearing import Ear


class LibraryOpener:
    """Opens libraries with the networks of one checkpoint, which are loaded when they are first needed.

    Args:
        checkpoint: a folder with `text_encoder`, `tokenizer` and `aligned_encoder`.
        cache: where indexes are kept.
    """

    def __init__(self, checkpoint: Path, cache: Cache) -> None:
        self._checkpoint, self._cache = checkpoint, cache

    def open(self, folders: Sequence[Path] = (), *, bank: bool = True) -> Iterator[Progress | SoundLibrary]:
        """Index the folders. Yields progress, and the library at the end.

        Raises:
            FoleyError: if a folder is missing, or the checkpoint lacks a network.
        """
        indexes: list[Index] = []
        for folder in dict.fromkeys(Path(folder) for folder in folders):
            for item in self._indexer.index(folder):
                if isinstance(item, Index):
                    indexes.append(item)
                else:
                    yield item
        yield SoundLibrary(indexes, load_bank() if bank else None, self.embed)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts. Returns float32 (len(texts), 384) of unit length."""
        return self._words(texts)

    def hear(self, wave: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, tuple[str, ...]]:
        """Embedding and names of a sound, see `Ear`."""
        return self._ear(wave, sample_rate_hz)

    @cached_property
    def _words(self) -> WordEmbedder:
        return WordEmbedder(self._checkpoint)

    @cached_property
    def _ear(self) -> Ear:
        from rhythmic_foley.library.hearing import Ear  # loads torch

        return Ear(self._checkpoint)

    @cached_property
    def _indexer(self) -> Indexer:
        files = sorted(self._checkpoint.glob("*_encoder/*.safetensors"))
        stamps = [(path.parent.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return Indexer(self._cache, self.embed, self.hear, Cache.key(stamps))
