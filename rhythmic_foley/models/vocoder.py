"""From mel to waveform: Griffin-Lim at 16 kHz, and a network that says what the mel leaves open, up to 44.1 kHz."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn
from torch.nn import functional as F

from rhythmic_foley.audio.mel import HOP, N_FFT, N_MELS, SAMPLE_RATE_HZ, band_of, mel_to_wave
from rhythmic_foley.models import synthesis
from rhythmic_foley.models.synthesis import BANDS, SUBFRAMES, WIDE_RATE_HZ

_BINS = N_FFT // 2 + 1
# The network works on decibels / 100, as the mel does; these are the levels that it calls 0.
_BINS_FLOOR_DB = -56.0  # a bin of a spectrum whose mel is 0 everywhere
_BANDS_FLOOR_DB = -60.0
# What lies at most this far above the floor is silence: a mel cannot say less.
_GATE_DB = 3.0


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

    def forward(self, mel: torch.Tensor, start_s: float = 0.0) -> torch.Tensor:
        """Log-mel (B, 128, T) -> waveform (B, 256 T) at 16 kHz, wherever in a longer sound it starts."""
        return mel_to_wave(mel, iterations=self.config.iterations, sample_rate_hz=self.config.sample_rate_hz)


@dataclass(frozen=True)
class Levels:
    """What sounds where, in decibels / 100 above the floor.

    Attributes:
        bins: (B, T, 513) of the front end's STFT, which is finer than the mel and also reaches below and above it.
        bands: (B, T, 4, 32) of bands up to 22 kHz, each 4 ms, through a window much shorter than the mel's.
    """

    bins: torch.Tensor
    bands: torch.Tensor


class FoleyVocoder(ModelMixin, ConfigMixin):
    """Log-mel to sound in three steps.

    1. A network of ConvNeXt blocks (as in Vocos, arXiv:2306.00814) estimates from the mel the levels of all STFT bins,
       and those of bands up to 22 kHz at a finer step in time.
    2. The bins are made to agree with the mel. Noise shaped by the bands gives the first phase: it already puts
       attacks where they belong. A few iterations of fast Griffin-Lim make a waveform at 16 kHz.
    3. Above 7.6 kHz, where the mel is blind, the shaped noise itself sounds.

    The same mel gives the same samples.

    Args:
        width: channels of the network.
        hidden: channels inside a block.
        depth: how many blocks.
        iterations: of Griffin-Lim.
        upper_octave: False leaves out step 3 and stays at 16 kHz.
    """

    @register_to_config
    def __init__(
        self, width: int = 256, hidden: int = 768, depth: int = 6, iterations: int = 16, upper_octave: bool = True
    ) -> None:
        super().__init__()
        self.embed = nn.Conv1d(N_MELS, width, 7, padding=3)
        self.embed_norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(_Block(width, hidden) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, _BINS + SUBFRAMES * BANDS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("guess", _first_guess(), persistent=False)

    @property
    def sample_rate_hz(self) -> int:
        """Of the waveform."""
        return WIDE_RATE_HZ if self.config.upper_octave else SAMPLE_RATE_HZ

    def levels(self, mel: torch.Tensor) -> Levels:
        """Log-mel (B, 128, T) in [0, 1] -> estimated levels: the mel's own, spread over the bins, and corrections."""
        mel = mel.to(self.head.weight.dtype)
        features = self.embed_norm(self.embed(4 * mel - 1).transpose(1, 2))
        corrections = self.head(self.norm(self.blocks(features)))
        bins, bands = (
            (mel.transpose(1, 2) @ self.guess.T + 0.2 * corrections).float().split([_BINS, SUBFRAMES * BANDS], dim=-1)
        )
        return Levels(bins, bands.unflatten(-1, (SUBFRAMES, BANDS)))

    def forward(self, mel: torch.Tensor, start_s: float = 0.0) -> torch.Tensor:
        """Log-mel (B, 128, T) in [0, 1] -> waveform (B, round(T * 0.016 * sample_rate_hz)).

        Args:
            start_s: where in a longer sound it starts, so that stretches that overlap are made of the same noise.
        """
        levels = self.levels(mel.clamp(0, 1))
        noise = self._noise(levels, start_s)
        start = synthesis.resample(noise, WIDE_RATE_HZ, SAMPLE_RATE_HZ, mel.shape[-1] * HOP)
        magnitude = synthesis.agree_with_mel(_amplitude(levels.bins, _BINS_FLOOR_DB).transpose(1, 2), mel.float())
        wave = synthesis.griffin_lim(magnitude, start, self.config.iterations)
        return self._extend(wave, noise) if self.config.upper_octave else wave

    def extend(self, wave: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
        """A sound (B, 256 T) of 16 kHz and its mel (B, 128, T) -> the sound at 44.1 kHz with an upper octave."""
        return self._extend(wave, self._noise(self.levels(mel.clamp(0, 1))))

    def _noise(self, levels: Levels, start_s: float = 0.0) -> torch.Tensor:
        amplitude = _amplitude(synthesis.spread_bands(levels.bands), _BANDS_FLOOR_DB)
        length = synthesis.samples(levels.bands.shape[1], WIDE_RATE_HZ)
        return synthesis.shaped_noise(amplitude, length, round(start_s * WIDE_RATE_HZ))

    @staticmethod
    def _extend(wave: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return synthesis.crossover(synthesis.resample(wave, SAMPLE_RATE_HZ, WIDE_RATE_HZ, noise.shape[-1]), noise)


class _Block(nn.Module):
    """ConvNeXt in one dimension, channels last."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.mix_time = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.mix_time(x.transpose(1, 2)).transpose(1, 2))
        return x + self.scale * self.narrow(F.gelu(self.widen(y)))


def _amplitude(level: torch.Tensor, floor_db: float) -> torch.Tensor:
    """Linear amplitude of a level; exactly 0 near the floor, so that silence is silent."""
    gate = 10 ** ((floor_db + _GATE_DB) / 20)
    return (10 ** ((100 * level.clamp(max=1.5) + floor_db) / 20) - gate).clamp(min=0)


def level_of(amplitude: torch.Tensor, *, bands: bool = False) -> torch.Tensor:
    """The level that the network should say for an amplitude of the STFT, or of the bands."""
    floor_db = _BANDS_FLOOR_DB if bands else _BINS_FLOOR_DB
    return ((20 * torch.log10(amplitude.clamp(min=1e-3)) - floor_db) / 100).clamp(min=0)


def _first_guess() -> torch.Tensor:
    """Which mel bands a bin or a band is like; what lies above the mel is about half as far above the floor.

    Returns:
        (513 + 4 * 32, 128).
    """
    mel_bands = torch.arange(float(N_MELS))
    bins = _positions(torch.arange(_BINS) * SAMPLE_RATE_HZ / N_FFT)
    bands = _positions(synthesis.band_centres_hz())
    weights = torch.where(bands < N_MELS - 1, 1.0, 0.5)[:, None]
    nearest = synthesis.interpolation(mel_bands, bands.round())
    return torch.cat([synthesis.interpolation(mel_bands, bins), (weights * nearest).repeat(SUBFRAMES, 1)])


def _positions(hz: torch.Tensor) -> torch.Tensor:
    """On the axis of the mel's bands, which ends at its first and its last."""
    return torch.tensor([band_of(max(f, 1.0)) for f in hz.tolist()]).clamp(0, N_MELS - 1)
