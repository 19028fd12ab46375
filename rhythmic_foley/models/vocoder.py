"""From mel to waveform. Griffin-Lim for now, behind the same door a neural vocoder will use."""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from rhythmic_foley.audio import SAMPLE_RATE_HZ, mel_to_wave


class GriffinLim(ModelMixin, ConfigMixin):
    """Diff-Foley's inverse: non-negative mel inversion, then Griffin-Lim from phase 0, hence the same every time.

    Args:
        iterations: of Griffin-Lim.
        sample_rate_hz: rate assumed by the mel inversion; 22,050 gives the pitch of the published demo.
    """

    @register_to_config
    def __init__(self, iterations: int = 32, sample_rate_hz: int = SAMPLE_RATE_HZ) -> None:
        super().__init__()
        # A pipeline component needs a parameter to have a place and a type.
        self.place = nn.Parameter(torch.zeros(1), requires_grad=False)

    @property
    def sample_rate_hz(self) -> int:
        """Of the waveform; the rate in the configuration is only the one that the mel bands are laid out for."""
        return SAMPLE_RATE_HZ

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Log-mel (B, 128, T) -> waveform (B, 256 T) at 16 kHz."""
        return mel_to_wave(mel, iterations=self.config.iterations, sample_rate_hz=self.config.sample_rate_hz)
