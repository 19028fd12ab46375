"""Sound: Diff-Foley's log-mel (16 kHz, 1024-point STFT, hop 256, 128 bands) and its inverse, loudness, WAV files."""

from __future__ import annotations

import io
import os
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import pad

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.files import move_into_place
from rhythmic_foley.limits import MAX_CLIP_S, bounded, check_file_size, check_sound

SAMPLE_RATE_HZ = 16_000
N_FFT = 1024
HOP = 256
N_MELS = 128
FMIN_HZ, FMAX_HZ = 125.0, 7600.0
MEL_FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP
PEAK_LIMIT = 10 ** (-1 / 20)  # -1 dBFS: lossy encoders overshoot a little


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


_LOUDNESS_BLOCK_S = 0.4


def loudness_lufs(wave: np.ndarray, sample_rate_hz: int) -> float:
    """Integrated loudness (ITU-R BS.1770) of (N,), -inf for silence. A sound under 0.4 s is repeated to measure it."""
    import pyloudnorm

    wave = np.asarray(wave, dtype=np.float64)
    if not np.any(wave):
        return -np.inf
    block = int(np.ceil(_LOUDNESS_BLOCK_S * sample_rate_hz)) + 1
    if len(wave) < block:
        wave = np.resize(wave, block)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(pyloudnorm.Meter(sample_rate_hz).integrated_loudness(wave))


def normalise_loudness(wave: np.ndarray, sample_rate_hz: int, target_lufs: float) -> np.ndarray:
    """The sound at `target_lufs`, by gain alone; less if its peaks would pass -1 dBFS. Silence stays as it is.

    Args:
        wave: (N,).

    Returns:
        float32 (N,).
    """
    now_lufs = loudness_lufs(wave, sample_rate_hz)
    gain = 10 ** ((target_lufs - now_lufs) / 20) if np.isfinite(now_lufs) else 1.0
    return _keep_headroom(np.asarray(wave, dtype=np.float32) * np.float32(gain))


_LIMITER_S = 0.008
_LIMITER_ROUNDS = 4


def as_loud_as(wave: np.ndarray, sample_rate_hz: int, target_lufs: float) -> np.ndarray:
    """The sound at `target_lufs`, its peaks held below -1 dBFS by a limiter that looks 8 ms ahead.

    Args:
        wave: (N,); silence stays as it is.

    Returns:
        float32 (N,). Single clicks in silence may stay quieter than asked: there is nothing else to make louder.
    """
    loud = np.asarray(wave, dtype=np.float32)
    for _ in range(_LIMITER_ROUNDS):  # limiting takes some of the loudness away again
        now_lufs = loudness_lufs(loud, sample_rate_hz)
        if not np.isfinite(now_lufs) or abs(target_lufs - now_lufs) < 0.1:
            break
        loud = _limited(loud * np.float32(10 ** ((target_lufs - now_lufs) / 20)), sample_rate_hz)
    return loud


def _limited(wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    width = 2 * round(_LIMITER_S * sample_rate_hz) + 1
    gain = np.minimum(1.0, PEAK_LIMIT / np.maximum(np.abs(wave), 1e-9))
    # A mean over the width of a minimum over the same width never exceeds the gain that is needed.
    return wave * uniform_filter1d(minimum_filter1d(gain, width), width).astype(np.float32)


def resample(wave: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """(N,) at another rate; the same array where nothing changes."""
    import soxr

    return wave if from_hz == to_hz else soxr.resample(wave, from_hz, to_hz)


def _keep_headroom(wave: np.ndarray) -> np.ndarray:
    peak = float(np.abs(wave).max(initial=0.0))
    return wave * np.float32(PEAK_LIMIT / peak) if peak > PEAK_LIMIT else wave


def write_wav(path: str | Path, wave: np.ndarray, sample_rate_hz: int) -> None:
    """Write (N,) in -1..1 as 16-bit WAV. The file appears under its name only when it is complete."""
    import soundfile

    path = Path(path)
    encoded = io.BytesIO()  # the library hides what goes wrong when a file is written
    soundfile.write(encoded, np.clip(wave, -1.0, 1.0), sample_rate_hz, subtype="PCM_16", format="WAV")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(encoded.getbuffer())
        move_into_place(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# How files of the common kinds begin. The library also reads rare ones, whose readers few people have looked at.
_SOUND_FILES = (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"caff")
_BLOCK = 65_536


def read_wav(path: str | Path, *, longest_s: float = MAX_CLIP_S + 1) -> tuple[np.ndarray, int]:
    """A sound file (WAV, AIFF, FLAC, OGG, MP3, CAF) as mono. Returns float32 (N,) and its rate in Hz.

    Raises:
        FoleyError: if it is none of these, or beyond the limits.
    """
    import soundfile

    path = Path(path)
    unreadable = FoleyError(f"{path.name} is not a sound file that can be read; use WAV, FLAC, OGG, MP3 or AIFF.")
    try:
        check_file_size(path)
        with path.open("rb") as file:
            if not file.read(4).startswith(_SOUND_FILES):
                raise unreadable
        with soundfile.SoundFile(path) as sound:
            check_sound(path.name, sound.samplerate, sound.channels, sound.frames, longest_s)
            blocks = sound.blocks(_BLOCK, dtype="float32", always_2d=True)
            mono = [bounded(block).mean(axis=1) for block in blocks]
            return np.concatenate([np.zeros(0, np.float32), *mono]), sound.samplerate
    except (soundfile.SoundFileError, OSError, TypeError, ValueError):
        raise unreadable from None
