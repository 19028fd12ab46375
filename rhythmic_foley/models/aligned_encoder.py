"""The small aligned encoder ("CAVP-mini"): sound and described picture as tokens in one space, about four a second.

The audio side is YAMNet, reduced by PCA. The picture side has no network that sees: the describer names what is seen,
the text encoder embeds the names, and a small convolutional network turns them, laid on the timeline, into the tokens
that such sounds have.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn
from torch.nn import functional as F

from rhythmic_foley.models.yamnet import Yamnet, patches_at, yamnet_mel


class AlignedEncoder(ModelMixin, ConfigMixin):
    """Audio tokens and event tokens of one window.

    Args:
        token_dim: size of a token, which is the UNet's cross-attention size.
        text_dim: size of a text embedding.
        width: channels of the event side.
        tokens: tokens in a window.
        window_s: length of a window in seconds.
        yamnet_channels: of the audio side; None for YAMNet's own.
    """

    @register_to_config
    def __init__(
        self,
        token_dim: int = 128,
        text_dim: int = 384,
        width: int = 384,
        tokens: int = 32,
        window_s: float = 8.192,
        yamnet_channels: tuple[int, ...] | None = None,
        yamnet_stem: int = 32,
    ) -> None:
        super().__init__()
        yamnet = {"channels": tuple(yamnet_channels)} if yamnet_channels else {}
        self.yamnet = Yamnet(stem_channels=yamnet_stem, **yamnet)
        self.audio_projection = nn.Linear(self.yamnet.config.channels[-1], token_dim)
        self.event_input = nn.Linear(text_dim + 1, width)
        self.event_blocks = nn.ModuleList(_TimeBlock(width) for _ in range(3))
        self.event_output = nn.Linear(width, token_dim)

    @apply_forward_hook
    def encode_audio(self, wave: torch.Tensor) -> torch.Tensor:
        """(samples,) at 16 kHz -> tokens (1, T, token_dim), one each 0.256 s."""
        token_s = self.config.window_s / self.config.tokens
        count = max(1, round(wave.shape[-1] / 16_000 / token_s))
        centres_s = (torch.arange(count) + 0.5) * token_s
        return self.project_audio(self.yamnet(patches_at(yamnet_mel(wave), centres_s))[0])[None]

    def project_audio(self, embeddings: torch.Tensor) -> torch.Tensor:
        """YAMNet embeddings (..., 1024) -> tokens (..., token_dim)."""
        return self.audio_projection(embeddings)

    @apply_forward_hook
    def encode_events(self, timeline: torch.Tensor) -> torch.Tensor:
        """What sounds when -> tokens.

        Args:
            timeline: (B, T, text_dim + 1) from `event_timeline`.

        Returns:
            (B, T, token_dim).
        """
        x = self.event_input(timeline).transpose(1, 2)  # (B, width, T)
        for block in self.event_blocks:
            x = block(x)
        return self.event_output(x.transpose(1, 2))


class _TimeBlock(nn.Module):
    """Depthwise convolution over time, then a channel mixer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 5, padding=2, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.expand = nn.Conv1d(width, 2 * width, 1)
        self.contract = nn.Conv1d(2 * width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.contract(F.gelu(self.expand(self.norm(self.depthwise(x)))))


def event_timeline(embeddings: torch.Tensor, spans_s: torch.Tensor, tokens: int, window_s: float) -> torch.Tensor:
    """Lays text embeddings of events on the tokens of a window.

    Args:
        embeddings: (B, E, D); a row of zeros stands for no event.
        spans_s: (B, E, 2) start and end in seconds from the window's beginning.
        tokens: T, tokens in the window.
        window_s: length of the window.

    Returns:
        (B, T, D + 1): the mean embedding of what sounds during the token, and the share of the token in which anything
        sounds at all.
    """
    edges_s = torch.linspace(0, window_s, tokens + 1, device=spans_s.device)
    starts_s = torch.maximum(spans_s[..., :1], edges_s[:-1])
    ends_s = torch.minimum(spans_s[..., 1:], edges_s[1:])
    share = ((ends_s - starts_s) / (window_s / tokens)).clamp(0, 1)  # (B, E, T)
    share = share * (embeddings.abs().sum(-1, keepdim=True) > 0)
    total = share.sum(dim=1)  # (B, T)
    mixed = torch.einsum("bet,bed->btd", share, embeddings) / total.clamp(min=1.0)[..., None]
    return torch.cat([mixed, share.amax(dim=1)[..., None]], dim=-1)
