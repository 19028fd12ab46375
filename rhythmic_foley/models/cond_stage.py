"""Diff-Foley's cond stage: CAVP features to the tokens that cross-attention reads."""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn


class CondStage(ModelMixin, ConfigMixin):
    """A linear layer and a learned position, counted from 0 in every window.

    Args:
        feature_dim: size of a CAVP feature.
        context_dim: size of a token.
        max_tokens: positions there are.
    """

    @register_to_config
    def __init__(self, feature_dim: int = 512, context_dim: int = 768, max_tokens: int = 40) -> None:
        super().__init__()
        self.embedder = nn.Sequential(nn.Linear(feature_dim, context_dim))  # a list of one, as it was published
        self.pos_emb = nn.Embedding(max_tokens, context_dim)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, L, feature_dim) of one window -> tokens (B, L, context_dim).

        Raises:
            ValueError: if there are more features than positions.
        """
        length = features.shape[1]
        if length > self.config.max_tokens:
            raise ValueError(f"A window has at most {self.config.max_tokens} features, not {length}.")
        return self.embedder(features) + self.pos_emb.weight[:length]

    def unconditional(self, batch: int, length: int) -> torch.Tensor:
        """Tokens (batch, length, context_dim) that stand for no picture: zeros, put in after this stage.

        Training replaced the features before it, but all published generation code does this.
        """
        return self.pos_emb.weight.new_zeros(batch, length, self.config.context_dim)
