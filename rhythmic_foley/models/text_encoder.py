"""Text to numbers: sentence embeddings and padded token states from a MiniLM-sized BERT or from CLIP's text encoder.

The network is `transformers.BertModel` or `CLIPTextModel`; this file holds only what sentence embeddings add to it
(masked mean pooling for the first, the last token's state for the second, as each was trained; L2 normalisation) and
the fixed-length token states that cross-attention reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F
from transformers import CLIPTextModel, PreTrainedModel, PreTrainedTokenizerBase

MAX_SENTENCE_TOKENS = 256
MAX_TOKENS = 32


@torch.no_grad()
def embed_text(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, text_encoder: PreTrainedModel
) -> torch.Tensor:
    """Embed whole texts so that texts of near meaning have a dot product near 1.

    Args:
        texts: B texts; whatever is longer than 256 tokens is cut.
        tokenizer: the encoder's tokenizer.
        text_encoder: a BERT without pooler, for instance all-MiniLM-L6-v2, or CLIP's text encoder.

    Returns:
        float (B, D), L2-normalised rows; D is the encoder's hidden size (384 for MiniLM, 768 for CLIP ViT-L/14).
    """
    limit = min(MAX_SENTENCE_TOKENS, text_encoder.config.max_position_embeddings)
    hidden, mask, pooled = _encode(texts, tokenizer, text_encoder, padding="longest", max_tokens=limit)
    if pooled is None:
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)
    return F.normalize(pooled, dim=-1)


@torch.no_grad()
def embed_tokens(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    text_encoder: PreTrainedModel,
    max_tokens: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode texts token by token, all padded to one length, for cross-attention.

    Args:
        texts: B texts; whatever is longer than `max_tokens` (markers included) is cut.
        tokenizer: the encoder's tokenizer.
        text_encoder: a BERT without pooler, or CLIP's text encoder.
        max_tokens: length L of every row; 32, or all that CLIP reads, if left out.

    Returns:
        Hidden states float (B, L, D), zero where padded, and the mask bool (B, L) that is True on real tokens.
    """
    if max_tokens is None:
        is_clip = isinstance(text_encoder, CLIPTextModel)
        max_tokens = text_encoder.config.max_position_embeddings if is_clip else MAX_TOKENS
    hidden, mask, _ = _encode(texts, tokenizer, text_encoder, padding="max_length", max_tokens=max_tokens)
    return hidden * mask.unsqueeze(-1), mask


def _encode(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    text_encoder: PreTrainedModel,
    padding: str,
    max_tokens: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """States (B, L, D), mask (B, L), and the encoder's own state for the whole text (B, D) if it has learned one."""
    if isinstance(texts, str):
        raise TypeError("texts must be a sequence of strings, not one string")
    device = text_encoder.device
    if not texts:
        none = torch.zeros(0, max_tokens, text_encoder.config.hidden_size, device=device)
        return none, torch.zeros(0, max_tokens, dtype=bool, device=device), None
    batch = tokenizer(list(texts), padding=padding, truncation=True, max_length=max_tokens, return_tensors="pt")
    batch = batch.to(device)
    output = text_encoder(**batch)
    pooled = output.pooler_output if isinstance(text_encoder, CLIPTextModel) else None
    hidden = output.last_hidden_state  # on the GPU, even where the encoder is kept off it until it is called
    return hidden, batch["attention_mask"].bool().to(hidden.device), pooled
