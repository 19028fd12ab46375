"""Sound: Diff-Foley's log-mel (16 kHz, 1024-point STFT, hop 256, 128 bands) and its inverse, loudness, WAV files."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import pad

from rhythmic_foley.audio.signal import fit_length, resample

SAMPLE_RATE_HZ = 16_000
N_FFT = 1024
HOP = 256
N_MELS = 128
FMIN_HZ, FMAX_HZ = 125.0, 7600.0
MEL_FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP


def log_mel(wave: torch.Tensor, *, hop: int = HOP) -> torch.Tensor:
    """Log-mel picture of a waveform, scaled to [0, 1] (0 is about -80 dB).

    The last sample is dropped so that the number of frames is exactly length / hop, and the edges are reflected, both
    as the published model was trained.

    Args:
        wave: (..., samples) float, 16 kHz mono, at least 1024 samples.
        hop: samples between frames; 250 for CAVP's sound side.

    Returns:
        (..., 128, samples // hop), row 0 the lowest band.
    """
    batch = wave.shape[:-1]
    flat = wave.reshape(-1, wave.shape[-1])[:, :-1].float()
    window = torch.hann_window(N_FFT, device=wave.device)
    spectrum = torch.stft(flat, N_FFT, hop, window=window, pad_mode="reflect", return_complex=True).abs()
    mel = mel_matrix().to(wave.device) @ spectrum
    decibel = 20.0 * torch.log10(mel.clamp(min=1e-5))
    return ((decibel + 80.0) / 100.0).clamp(0.0, 1.0).reshape(*batch, N_MELS, -1)


def sound_mel(wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Log-mel of a sound at any rate; one that is shorter than a window of the transform is followed by silence.

    Args:
        wave: (N,) float.

    Returns:
        float32 (128, frames), scaled as by `log_mel`.
    """
    samples = np.asarray(resample(wave, sample_rate_hz, SAMPLE_RATE_HZ), dtype=np.float32)
    return log_mel(torch.from_numpy(fit_length(samples, max(N_FFT, len(samples))))).numpy()


# Fast Griffin-Lim: how much of the last step is added on top.
_MOMENTUM = 0.99
# The clipped pseudo-inverse is exact for the mel of a real sound; what a network draws takes a few updates more.
_MEL_UPDATES = 10
# Three frames are the least that the reflected edges need.
_MIN_FRAMES = 3


def mel_to_wave(
    log_mel: torch.Tensor,
    *,
    iterations: int = 32,
    generator: torch.Generator | None = None,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    length: int | None = None,
) -> torch.Tensor:
    """A waveform whose `log_mel` comes near the given one: non-negative mel inversion, then fast Griffin-Lim.

    Args:
        log_mel: (..., 128, T) scaled as by `log_mel`. Nothing is clipped, a decoder may overshoot [0, 1].
        iterations: of Griffin-Lim.
        generator: draws the initial phase, on its own device; None starts from phase 0.
        sample_rate_hz: the rate for which the mel bands are laid out. 22,050 gives the pitch of the published
            Diff-Foley demo, whose sounds come out 5.6 semitones low.
        length: samples wanted; the end is cut or filled with silence.

    Returns:
        (..., T * 256), or (..., length), at 16 kHz.
    """
    batch, frames = log_mel.shape[:-2], log_mel.shape[-1]
    flat = log_mel.reshape(-1, *log_mel.shape[-2:]).float()
    flat = pad(flat, (0, max(0, _MIN_FRAMES - frames)), mode="replicate")
    magnitude = _mel_to_magnitude(10 ** ((100.0 * flat - 80.0) / 20.0), sample_rate_hz)
    wave = _griffin_lim(magnitude, iterations, generator)[:, : frames * HOP]
    if length is not None:
        wave = pad(wave[:, :length], (0, max(0, length - wave.shape[-1])))
    return wave.reshape(*batch, -1)


def _mel_to_magnitude(mel: torch.Tensor, sample_rate_hz: int) -> torch.Tensor:
    """Non-negative spectrum with the given mel bands, near the least-squares one. (B, 128, T) -> (B, 513, T)."""
    bands = mel_matrix(sample_rate_hz).to(mel.device)
    magnitude = (_mel_inverse(sample_rate_hz).to(mel.device) @ mel).clamp(min=0)
    wanted = bands.T @ mel
    for _ in range(_MEL_UPDATES):
        magnitude = magnitude * wanted / (bands.T @ (bands @ magnitude)).clamp(min=1e-12)
    return magnitude


def _griffin_lim(magnitude: torch.Tensor, iterations: int, generator: torch.Generator | None) -> torch.Tensor:
    """(B, 513, T) -> (B, T * 256): 256 samples more than the published inverse keeps, from the last frame's tail."""
    window = torch.hann_window(N_FFT, device=magnitude.device)
    length = magnitude.shape[-1] * HOP
    phase = torch.zeros_like(magnitude)
    if generator is not None:
        phase = 2 * torch.pi * torch.rand(magnitude.shape, generator=generator, device=generator.device).to(phase)
    angles = torch.polar(torch.ones_like(phase), phase)
    previous = torch.zeros_like(angles)
    for _ in range(iterations):
        wave = torch.istft(magnitude * angles, N_FFT, HOP, window=window, length=length)
        # Without the last sample, as in `log_mel`: T frames again.
        rebuilt = torch.stft(wave[:, :-1], N_FFT, HOP, window=window, pad_mode="reflect", return_complex=True)
        angles = rebuilt - _MOMENTUM / (1 + _MOMENTUM) * previous
        angles = angles / angles.abs().clamp(min=1e-12)
        previous = rebuilt
    return torch.istft(magnitude * angles, N_FFT, HOP, window=window, length=length)


@lru_cache
def _mel_inverse(sample_rate_hz: int) -> torch.Tensor:
    """Pseudo-inverse of `mel_matrix`. Returns (513, 128)."""
    return torch.linalg.pinv(mel_matrix(sample_rate_hz).double()).float()


@lru_cache
def mel_matrix(sample_rate_hz: int = SAMPLE_RATE_HZ) -> torch.Tensor:
    """Slaney mel filters with area normalisation. Returns (128, 513)."""
    hz = torch.linspace(0, sample_rate_hz / 2, N_FFT // 2 + 1, dtype=torch.float64)
    low, high = _hz_to_mel(torch.tensor([FMIN_HZ, FMAX_HZ], dtype=torch.float64))
    edges = _mel_to_hz(torch.linspace(low, high, N_MELS + 2, dtype=torch.float64))
    ramps = edges[:, None] - hz[None, :]
    widths = edges.diff()
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).float()


def band_of(hz: float) -> float:
    """Where a frequency lies on the mel axis: 0 is the centre of the lowest band, 127 of the highest."""
    low, high, mel = _hz_to_mel(torch.tensor([FMIN_HZ, FMAX_HZ, hz], dtype=torch.float64)).tolist()
    return (mel - low) / (high - low) * (N_MELS + 1) - 1


# Slaney's scale: linear below 1 kHz, logarithmic above.
_LINEAR_STEP_HZ = 200.0 / 3
_LOG_STEP = torch.log(torch.tensor(6.4, dtype=torch.float64)) / 27.0


def _hz_to_mel(hz: torch.Tensor) -> torch.Tensor:
    return torch.where(hz < 1000.0, hz / _LINEAR_STEP_HZ, 15.0 + torch.log(hz.clamp(min=1e-9) / 1000.0) / _LOG_STEP)


def _mel_to_hz(mel: torch.Tensor) -> torch.Tensor:
    return torch.where(mel < 15.0, mel * _LINEAR_STEP_HZ, 1000.0 * torch.exp(_LOG_STEP * (mel - 15.0)))
