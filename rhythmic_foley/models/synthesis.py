"""Waveforms from levels: shaped noise at 44.1 kHz, Griffin-Lim at 16 kHz, and the way between the two rates."""

from __future__ import annotations

from math import gcd, pi

import torch
from torch.nn.functional import pad

from rhythmic_foley.audio.mel import HOP, N_FFT, SAMPLE_RATE_HZ, mel_matrix

WIDE_RATE_HZ = 44_100
WIDE_N_FFT, WIDE_HOP = 512, 128
SUBFRAMES = 4  # steps of 4 ms in a mel frame of 16 ms
BANDS = 32
# Edges of the bands in bins at 44.1 kHz: half of the bands below 7.6 kHz, half above.
BAND_EDGES = tuple(round(88 / 16 * i) for i in range(16)) + tuple(round(88 + 169 / 16 * i) for i in range(17))

_FRAME_S = HOP / SAMPLE_RATE_HZ
# Between these the shaped noise takes over; the mel ends at 7.6 kHz, a sound of 16 kHz at 8.
_CROSSOVER_HZ = (7400.0, 7900.0)
_MOMENTUM = 0.99
_MEL_UPDATES = 10
_UPDATE_MAX = 4.0  # a bin changes by at most this factor at once
_MIN_FRAMES = 3  # that the reflected edges need
_NOISE_BLOCK = 2**19  # samples drawn with one seed
_GUARD_SAMPLES = 2048  # of silence, so that resampling does not wrap the end around to the beginning


def samples(frames: int, sample_rate_hz: int) -> int:
    """Length of the sound of `frames` mel frames."""
    return round(frames * _FRAME_S * sample_rate_hz)


def subframe_times_s(frames: int) -> torch.Tensor:
    """Middles of the subframes, those of a mel frame around its own. Returns (frames * 4,)."""
    return (torch.arange(frames * SUBFRAMES) - (SUBFRAMES - 1) / 2) * (_FRAME_S / SUBFRAMES)


def band_centres_hz() -> torch.Tensor:
    """Returns (32,)."""
    return _band_centres() * (WIDE_RATE_HZ / WIDE_N_FFT)


def _band_centres() -> torch.Tensor:
    edges = torch.tensor(BAND_EDGES, dtype=torch.float32)
    return (edges[1:] + edges[:-1] - 1) / 2


def interpolation(knots: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Matrix that reads values given at sorted `knots` at other positions, linearly between them and flat beyond.

    Returns:
        (positions, knots).
    """
    right = torch.searchsorted(knots, positions.contiguous()).clamp(1, len(knots) - 1)
    share = ((positions - knots[right - 1]) / (knots[right] - knots[right - 1])).clamp(0, 1)
    matrix = torch.zeros(len(positions), len(knots))
    rows = torch.arange(len(positions))
    matrix[rows, right - 1] = 1 - share
    matrix[rows, right] += share
    return matrix


def spread_bands(levels: torch.Tensor) -> torch.Tensor:
    """Levels of bands (B, T, 4, 32) -> of the bins of `shaped_noise` (B, 257, its frames)."""
    times_s = subframe_times_s(levels.shape[1])
    wanted_s = torch.arange(samples(levels.shape[1], WIDE_RATE_HZ) // WIDE_HOP + 1) * (WIDE_HOP / WIDE_RATE_HZ)
    # A matrix over all times would be huge; subframes follow each other evenly, so the neighbours are known.
    position = ((wanted_s - times_s[0]) / (times_s[1] - times_s[0])).clamp(0, len(times_s) - 1).to(levels.device)
    left = position.long().clamp(max=len(times_s) - 2)
    share = (position - left).unsqueeze(-1)
    flat = levels.flatten(1, 2)
    over_time = torch.lerp(flat[:, left], flat[:, left + 1], share)  # (B, frames, 32)
    over_bins = interpolation(_band_centres(), torch.arange(WIDE_N_FFT // 2 + 1.0)).to(levels)
    return over_bins @ over_time.transpose(1, 2)


def shaped_noise(amplitude: torch.Tensor, length: int, first: int = 0) -> torch.Tensor:
    """White noise, always the same, filtered to an amplitude for each bin and frame.

    Args:
        amplitude: (B, 257, frames), as `spread_bands` lays them out.
        length: samples wanted.
        first: which sample of the endless noise to begin with.

    Returns:
        (B, length) at 44.1 kHz.
    """
    window = torch.hann_window(WIDE_N_FFT, device=amplitude.device)
    white = white_noise(first, length).to(amplitude.device)
    spectrum = torch.stft(white, WIDE_N_FFT, WIDE_HOP, window=window, return_complex=True)
    spectrum = spectrum / window.square().sum().sqrt()  # on average of amplitude 1
    return torch.istft(amplitude * spectrum, WIDE_N_FFT, WIDE_HOP, window=window, length=length)


def white_noise(first: int, length: int) -> torch.Tensor:
    """A stretch of an endless noise, (length,): two stretches are equal where they overlap."""
    blocks = range(first // _NOISE_BLOCK, (first + length - 1) // _NOISE_BLOCK + 1)
    noise = torch.cat([torch.randn(_NOISE_BLOCK, generator=torch.Generator().manual_seed(seed)) for seed in blocks])
    return noise[first - blocks.start * _NOISE_BLOCK :][:length]


def agree_with_mel(magnitude: torch.Tensor, log_mel: torch.Tensor) -> torch.Tensor:
    """The spectrum changed by factors until its mel is nearly the given one; bins that no band covers stay.

    Args:
        magnitude: (B, 513, T).
        log_mel: (B, 128, T) in [0, 1].
    """
    bands = mel_matrix().to(magnitude.device)
    covered = (bands.sum(dim=0) > 1e-4)[:, None]
    wanted = bands.T @ (10 ** ((100 * log_mel - 80) / 20))
    for _ in range(_MEL_UPDATES):
        factor = wanted / (bands.T @ (bands @ magnitude)).clamp(min=1e-9)
        magnitude = torch.where(covered, magnitude * factor.clamp(1 / _UPDATE_MAX, _UPDATE_MAX), magnitude)
    return magnitude


def griffin_lim(magnitude: torch.Tensor, start: torch.Tensor, iterations: int) -> torch.Tensor:
    """Fast Griffin-Lim (Perraudin et al. 2013) from the phase of a waveform.

    Args:
        magnitude: (B, 513, T) of the front end's STFT.
        start: (B, T * 256) at 16 kHz.

    Returns:
        (B, T * 256) at 16 kHz.
    """
    frames = magnitude.shape[-1]
    magnitude = pad(magnitude, (0, max(0, _MIN_FRAMES - frames)))
    wave = pad(start, (0, magnitude.shape[-1] * HOP - start.shape[-1]))
    window = torch.hann_window(N_FFT, device=magnitude.device)
    previous: torch.Tensor | float = 0.0
    for _ in range(iterations + 1):
        # Without the last sample, as the front end does: T frames again.
        rebuilt = torch.stft(wave[:, :-1], N_FFT, HOP, window=window, pad_mode="reflect", return_complex=True)
        angles = rebuilt - _MOMENTUM / (1 + _MOMENTUM) * previous
        previous = rebuilt
        angles = angles / angles.abs().clamp(min=1e-9)
        wave = torch.istft(magnitude * angles, N_FFT, HOP, window=window, length=wave.shape[-1])
    return wave[:, : frames * HOP]


def resample(wave: torch.Tensor, from_hz: int, to_hz: int, length: int) -> torch.Tensor:
    """Band-limited change of rate in one Fourier transform. (B, N) -> (B, length)."""
    common = gcd(from_hz, to_hz)
    step_in, step_out = from_hz // common, to_hz // common
    steps = -(-(wave.shape[-1] + _GUARD_SAMPLES) // step_in)
    spectrum = torch.fft.rfft(pad(wave, (0, steps * step_in - wave.shape[-1])))
    bins = min(spectrum.shape[-1], steps * step_out // 2 + 1)
    spectrum = pad(spectrum[:, :bins], (0, steps * step_out // 2 + 1 - bins))
    resampled = torch.fft.irfft(spectrum, steps * step_out) * (step_out / step_in)
    return pad(resampled, (0, max(0, length - resampled.shape[-1])))[:, :length]


def crossover(low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """The lower part of one sound and the upper part of another, (B, N) at 44.1 kHz, at constant power between."""
    length = low.shape[-1]
    padded = length + _GUARD_SAMPLES
    hz = torch.linspace(0, WIDE_RATE_HZ / 2, padded // 2 + 1, device=low.device)
    start_hz, end_hz = _CROSSOVER_HZ
    angle = ((hz - start_hz) / (end_hz - start_hz)).clamp(0, 1) * (pi / 2)
    spectrum = torch.fft.rfft(low, padded) * angle.cos() + torch.fft.rfft(high, padded) * angle.sin()
    return torch.fft.irfft(spectrum, padded)[:, :length]
