"""Text to numbers: sentence embeddings and padded token states from a MiniLM-sized BERT.

The network is `transformers.BertModel`; this file holds only what sentence-embedding models add to it (masked mean
pooling and L2 normalisation) and the fixed-length token states that cross-attention reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F
from transformers import BertModel, PreTrainedTokenizerBase

MAX_SENTENCE_TOKENS = 256
MAX_TOKENS = 32


@torch.no_grad()
def embed_text(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, text_encoder: BertModel) -> torch.Tensor:
    """Embed whole texts so that texts of near meaning have a dot product near 1.

    Args:
        texts: B texts; whatever is longer than 256 tokens is cut.
        tokenizer: the encoder's tokenizer.
        text_encoder: a BERT without pooler, for instance all-MiniLM-L6-v2.

    Returns:
        float (B, D), L2-normalised rows; D is the encoder's hidden size (384 for MiniLM).
    """
    limit = min(MAX_SENTENCE_TOKENS, text_encoder.config.max_position_embeddings)
    hidden, mask = _encode(texts, tokenizer, text_encoder, padding="longest", max_tokens=limit)  # (B, L, D), (B, L)
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)
    return F.normalize(mean, dim=-1)


@torch.no_grad()
def embed_tokens(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    text_encoder: BertModel,
    max_tokens: int = MAX_TOKENS,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode texts token by token, all padded to one length, for cross-attention.

    Args:
        texts: B texts; whatever is longer than `max_tokens` (markers included) is cut.
        tokenizer: the encoder's tokenizer.
        text_encoder: a BERT without pooler.
        max_tokens: length L of every row.

    Returns:
        Hidden states float (B, L, D), zero where padded, and the mask bool (B, L) that is True on real tokens.
    """
    hidden, mask = _encode(texts, tokenizer, text_encoder, padding="max_length", max_tokens=max_tokens)
    return hidden * mask.unsqueeze(-1), mask


def _encode(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, text_encoder: BertModel, padding: str, max_tokens: int
) -> tuple[torch.Tensor, torch.Tensor]:
    if isinstance(texts, str):
        raise TypeError("texts must be a sequence of strings, not one string")
    device = text_encoder.device
    if not texts:
        width = text_encoder.config.hidden_size
        return torch.zeros(0, max_tokens, width, device=device), torch.zeros(0, max_tokens, dtype=bool, device=device)
    batch = tokenizer(list(texts), padding=padding, truncation=True, max_length=max_tokens, return_tensors="pt")
    batch = batch.to(device)
    hidden = text_encoder(**batch).last_hidden_state  # (B, L, D)
    return hidden, batch["attention_mask"].bool()
