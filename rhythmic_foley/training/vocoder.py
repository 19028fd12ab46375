"""The stage of the vocoder: from sounds at 44.1 kHz, mels and the levels that they leave open.

There is no waveform in the loop, so a step costs little: what is learned are levels, the phase is Griffin-Lim's task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch.nn.functional import pad

from rhythmic_foley.audio.mel import HOP, N_FFT, SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.autoencoder import MelAutoencoder
from rhythmic_foley.models.synthesis import BAND_EDGES, WIDE_N_FFT, WIDE_RATE_HZ, samples, subframe_times_s
from rhythmic_foley.models.vocoder import FoleyVocoder, Levels, level_of
from rhythmic_foley.training.library import read_rows, wide_paths
from rhythmic_foley.training.loop import Schedule, train

STRETCH_FRAMES = 704
_CROP_FRAMES = 64
_BATCH = 16
_SOUND_MAX_S = 4.0  # long sounds are alike throughout, and there should be many different ones
_FADE_SAMPLES = 441
_PAUSE_S = 0.14  # on average, between two sounds
_QUIETEST_DB = -24.0
_BANDS_WEIGHT = 0.5


@dataclass(frozen=True)
class Examples:
    """What the network should say for which mel.

    Attributes:
        mels: (N, T, 128) float16.
        bins: (N, T, 513) float16, as in `Levels`.
        bands: (N, T, 4, 32) float16, as in `Levels`.
    """

    mels: np.ndarray
    bins: np.ndarray
    bands: np.ndarray

    @classmethod
    def load(cls, folder: Path) -> Examples:
        if not (folder / "examples.npz").is_file():
            raise FoleyError(f"There are no prepared sounds in {folder}; run `rhythmic-foley train prepare` first.")
        with np.load(folder / "examples.npz") as arrays:
            return cls(arrays["mels"], arrays["bins"], arrays["bands"])


def prepare_examples(table: Path, out: Path, *, passes: int = 2, seed: int = 0) -> None:
    """Writes `examples.npz`, unless it is there.

    Args:
        table: `sounds.csv`; sounds that are not there at 44.1 kHz are passed over, see `wide_paths`.
        out: folder to write to.
        passes: how often each sound is used. In the first one follows the other, in the next ones they overlap.
        seed: of the order and the gains.
    """
    if (out / "examples.npz").exists():
        return
    waves = list(_read(wide_paths(read_rows(table, held_out=False), table)))
    if not waves:
        raise FoleyError(f"There are no sounds at 44.1 kHz beside {table.name}.")
    rng = np.random.default_rng(seed)
    stretches = (s for n in range(passes) for s in _stretches(waves, rng, overlap=n > 0))
    rows = [_example(stretch) for stretch in stretches]
    out.mkdir(parents=True, exist_ok=True)
    unfinished = out / "examples.part"
    with open(unfinished, "wb") as file:
        np.savez(file, **{key: np.stack([row[key] for row in rows]) for key in ("mels", "bins", "bands")})
    unfinished.replace(out / "examples.npz")


def train_vocoder(
    vocoder: FoleyVocoder, examples: Examples, autoencoder: MelAutoencoder, schedule: Schedule, run: Path
) -> None:
    """Trains for the least absolute error of all levels.

    Half of the mels went through the autoencoder, for what will be vocoded comes out of its decoder.
    """
    decoded = _through(autoencoder.to(vocoder.device), examples.mels, vocoder.device)

    def loss_of(step: int) -> torch.Tensor:
        rng = np.random.default_rng((1, step))
        rows = rng.integers(len(examples.mels), size=_BATCH)
        starts = rng.integers(0, examples.mels.shape[1] - _CROP_FRAMES + 1, size=_BATCH)

        def cut(*arrays: np.ndarray) -> torch.Tensor:
            """Crops that come from the arrays in turn."""
            crops = [
                arrays[i % len(arrays)][row, start : start + _CROP_FRAMES]
                for i, (row, start) in enumerate(zip(rows, starts, strict=True))
            ]
            return torch.from_numpy(np.stack(crops)).float().to(vocoder.device)

        mel = cut(examples.mels, decoded).transpose(1, 2)
        return level_error(vocoder.levels(mel), Levels(cut(examples.bins), cut(examples.bands)))

    train(vocoder, loss_of, schedule, run)


def level_error(estimate: Levels, target: Levels) -> torch.Tensor:
    """Mean absolute error of the levels, in decibels / 100."""
    bins = (estimate.bins - target.bins).abs().mean()
    return bins + _BANDS_WEIGHT * (estimate.bands - target.bands).abs().mean()


def _read(paths: list[Path]) -> Iterator[np.ndarray]:
    """Sounds with their peak at 1, at most 4 s of each, faded at the cut."""
    for path in paths:
        if not path.is_file():
            continue
        wave, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        mono = soxr.resample(wave.mean(axis=1), rate_hz, WIDE_RATE_HZ)[: int(_SOUND_MAX_S * WIDE_RATE_HZ)]
        peak = np.abs(mono).max(initial=0.0)
        if len(mono) > 4 * _FADE_SAMPLES and peak > 1e-3:
            mono = (mono / peak).astype(np.float32)
            mono[-_FADE_SAMPLES:] *= np.linspace(1, 0, _FADE_SAMPLES, dtype=np.float32)
            yield mono


def _stretches(waves: list[np.ndarray], rng: np.random.Generator, *, overlap: bool) -> Iterator[np.ndarray]:
    """All sounds once in random order, strung together to stretches of 11.264 s at 44.1 kHz."""
    length = samples(STRETCH_FRAMES, WIDE_RATE_HZ)
    stretch, position, empty = np.zeros(length, np.float32), 0, True
    for index in rng.permutation(len(waves)):
        wave = waves[index]
        if position + len(wave) > length and not empty:
            yield stretch
            stretch, position, empty = np.zeros(length, np.float32), 0, True
        position = min(position + int(rng.exponential(_PAUSE_S) * WIDE_RATE_HZ), length - 1)
        part = wave[: length - position]
        stretch[position : position + len(part)] += part * np.float32(10 ** (rng.uniform(_QUIETEST_DB, 0) / 20))
        position += int(len(wave) * (rng.uniform(0.2, 0.9) if overlap else 1.0))
        empty = False
    yield stretch


def _example(wave: np.ndarray) -> dict[str, np.ndarray]:
    length = samples(STRETCH_FRAMES, SAMPLE_RATE_HZ)
    narrow = soxr.resample(wave, WIDE_RATE_HZ, SAMPLE_RATE_HZ)[:length]
    narrow = torch.from_numpy(np.pad(narrow, (0, length - len(narrow))))
    spectrum = torch.stft(
        narrow[:-1], N_FFT, HOP, window=torch.hann_window(N_FFT), pad_mode="reflect", return_complex=True
    )
    arrays = {
        "mels": log_mel(narrow).T,
        "bins": level_of(spectrum.abs().T),
        "bands": level_of(band_amplitudes(torch.from_numpy(wave)), bands=True),
    }
    return {key: array.half().numpy() for key, array in arrays.items()}


def band_amplitudes(wave: torch.Tensor) -> torch.Tensor:
    """Root mean square over each band's bins, in a short window around each subframe.

    Args:
        wave: (N,) at 44.1 kHz.

    Returns:
        (T, 4, 32).
    """
    frames = round(len(wave) / samples(1000, WIDE_RATE_HZ) * 1000)
    centres = (subframe_times_s(frames) * WIDE_RATE_HZ).round().long()
    padded = pad(wave, (WIDE_N_FFT, 2 * WIDE_N_FFT))
    rows = centres[:, None] + WIDE_N_FFT // 2 + torch.arange(WIDE_N_FFT)
    power = torch.fft.rfft(padded[rows] * torch.hann_window(WIDE_N_FFT)).abs().square()
    means = [power[:, low:high].mean(dim=1) for low, high in zip(BAND_EDGES[:-1], BAND_EDGES[1:], strict=True)]
    return torch.stack(means, dim=1).sqrt().view(frames, -1, len(means))


@torch.no_grad()
def _through(autoencoder: MelAutoencoder, mels: np.ndarray, device: torch.device) -> np.ndarray:
    """(N, T, 128) mels as the autoencoder gives them back."""
    decoded = np.empty_like(mels)
    for index, mel in enumerate(mels):
        picture = torch.from_numpy(mel).float().T[None, None].to(device)
        decoded[index] = autoencoder(picture)[0, 0].clamp(0, 1).T.cpu().numpy()
    return decoded
