"""Open what is known of words: the text encoder of a checkpoint, and the embeddings of every text that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.describe.wordbook import Wordbook, known_texts
from rhythmic_foley.models.text_encoder import MAX_TOKENS, embed_text
from rhythmic_foley.pipeline.loading import revision
from rhythmic_foley.runtime.cache import Cache

_BATCH = 256


def open_wordbook(folder: Path, cache: Cache) -> Wordbook:
    """Load the text encoder of a checkpoint; the known texts are embedded once and then found in the cache.

    Args:
        folder: a checkpoint with text_encoder/ and tokenizer/.
        cache: keeps the embeddings, which take some seconds to make.
    """
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    encoder = AutoModel.from_pretrained(
        folder / "text_encoder", torch_dtype=torch.float32, local_files_only=True, add_pooling_layer=False
    ).eval()

    def embed(texts: Sequence[str]) -> np.ndarray:
        return embed_text(texts, tokenizer, encoder).numpy()

    texts, names = zip(*known_texts(), strict=True)

    def write(path: Path) -> None:
        parts = [embed(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        np.save(path, np.concatenate(parts).astype(np.float16))

    key = Cache.key("words-1", texts, revision(folder / "text_encoder"))
    embeddings = cache.load("words", key, ".npy", np.load, write)
    return Wordbook(texts, names, embeddings.astype(np.float32), embed, tokenizer, MAX_TOKENS)
