"""Embed words with the checkpoint's MiniLM (Wang et al. 2020, arXiv 2002.10957) in numpy.

The network is the one that `models.text_encoder` runs through transformers, and gives the same numbers. It is
calculated here in a few lines because importing transformers takes several seconds, longer than a dub from samples.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rhythmic_foley.errors import FoleyError

_MOST_TOKENS = 64
_BATCH = 64


class WordEmbedder:
    """Sentence embeddings: texts of near meaning have a dot product near 1.

    Args:
        checkpoint: a folder with `text_encoder` and `tokenizer`.

    Raises:
        FoleyError: if these are missing or cannot be read.
    """

    def __init__(self, checkpoint: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        try:
            config = json.loads((checkpoint / "text_encoder" / "config.json").read_text(encoding="utf-8"))
            self._heads, self._epsilon = config["num_attention_heads"], config["layer_norm_eps"]
            self._layers = config["num_hidden_layers"]
            self._weights = load_file(checkpoint / "text_encoder" / "model.safetensors")
            self._tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer" / "tokenizer.json"))
        except Exception as error:  # the libraries each raise their own kinds
            raise FoleyError(f"Words cannot be compared: the text encoder in {checkpoint} cannot be read.") from error
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._tokenizer.enable_padding()
        self._single: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts. Returns float32 (len(texts), D) of unit length."""
        if not texts:
            return np.zeros((0, self._matrix("embeddings.LayerNorm.weight").shape[0]), np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # so that little is padded
        parts = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        embedded = np.concatenate([self._embed([texts[index] for index in part]) for part in parts])
        return embedded[np.argsort(order)]

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        encoded = self._tokenizer.encode_batch(list(texts))
        tokens = np.array([row.ids for row in encoded])  # (B, L)
        mask = np.array([row.attention_mask for row in encoded], dtype=np.float32)
        embedded = (
            self._weights["embeddings.word_embeddings.weight"][tokens].astype(np.float32)
            + self._matrix("embeddings.position_embeddings.weight")[: tokens.shape[1]]
            + self._matrix("embeddings.token_type_embeddings.weight")[0]
        )
        states = self._normed(embedded, "embeddings.LayerNorm")
        for layer in range(self._layers):
            states = self._layer(states, mask, f"encoder.layer.{layer}")
        pooled = (states * mask[..., None]).sum(axis=1) / np.maximum(mask.sum(axis=1), 1.0)[:, None]
        return pooled / np.maximum(np.linalg.norm(pooled, axis=-1, keepdims=True), 1e-12)

    def _layer(self, states: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
        """A transformer layer with the norms after the sums (Devlin et al. 2018, arXiv 1810.04805). (B, L, D)."""
        batch, length, width = states.shape

        def heads(part: str) -> np.ndarray:
            projected = self._linear(states, f"{name}.attention.self.{part}")
            return projected.reshape(batch, length, self._heads, -1).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.sqrt(width / self._heads)
        scores = scores + np.where(mask, 0.0, -1e9).astype(np.float32)[:, None, None]
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ heads("value")).transpose(0, 2, 1, 3).reshape(batch, length, width)
        states = states + self._linear(mixed, f"{name}.attention.output.dense")
        states = self._normed(states, f"{name}.attention.output.LayerNorm")
        widened = _gelu(self._linear(states, f"{name}.intermediate.dense"))
        return self._normed(states + self._linear(widened, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1]) @ self._matrix(f"{name}.weight").T  # one product, not one for each text
        return (flat + self._matrix(f"{name}.bias")).reshape(*x.shape[:-1], -1)

    def _normed(self, x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + self._epsilon)
        return centred / scale * self._matrix(f"{name}.weight") + self._matrix(f"{name}.bias")

    def _matrix(self, name: str) -> np.ndarray:
        """A weight in single precision, converted when it is first used."""
        if name not in self._single:
            self._single[name] = self._weights[name].astype(np.float32)
        return self._single[name]


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return 0.5 * x * (1.0 + erf(x / np.float32(np.sqrt(2.0))))
