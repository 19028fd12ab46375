"""How near a vocoder comes to held-out sounds: log-spectral distance, ViSQOL and time, against what it replaces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.onset_metrics import resample
from rhythmic_foley.evaluation.metrics.visqol import Visqol
from rhythmic_foley.models.autoencoder import MelAutoencoder
from rhythmic_foley.models.synthesis import WIDE_RATE_HZ, samples
from rhythmic_foley.models.vocoder import FoleyVocoder, GriffinLim
from rhythmic_foley.training.library import read_rows, wide_paths

_FFT_SIZE, _FFT_HOP = 1024, 256
_RANGE_DB = 80.0  # what lies further below a sound's loudest bin counts as silence
_SOUND_MIN_S, _SOUND_MAX_S = 0.5, 4.0
_MARGIN_S = 0.1  # of silence at either end
_UPPER_HZ = 8000.0


@dataclass(frozen=True)
class Pair:
    """One recording, (N,) at 44.1 kHz and the same at 16 kHz, both as long as a whole number of mel frames."""

    wide: np.ndarray
    narrow: np.ndarray


@dataclass(frozen=True)
class VocoderRow:
    """Means over the sounds for one method.

    Attributes:
        lsd_db: log-spectral distance, of the whole band at 16 kHz or above 8 kHz at 44.1 kHz.
        visqol: MOS-LQO in audio mode; None without the package.
        time_share: processor time for a second of sound; None for a row that is made of others.
        sounds: how many were measured.
    """

    method: str
    lsd_db: float
    lsd_interval_db: float
    visqol: float | None
    visqol_interval: float | None
    time_share: float | None
    sounds: int


def log_spectral_distance(real: np.ndarray, made: np.ndarray, rate_hz: int, *, above_hz: float = 0.0) -> float | None:
    """Mean over frames of the root mean square difference of levels in dB, over the bins above `above_hz`.

    Levels count down to 80 dB below the real sound's loudest bin. Frames in which the real sound has nothing above
    that in the band are left out; None if there are only such frames.

    Args:
        real: (N,).
        made: (N,), at the same rate.
    """
    length = min(len(real), len(made))
    spectra = [_magnitude(wave[:length]) for wave in (real, made)]
    floor = float(spectra[0].max()) * 10 ** (-_RANGE_DB / 20)
    first = int(np.ceil(above_hz / rate_hz * _FFT_SIZE))
    real_db, made_db = (20 * torch.log10(s[first:].clamp(min=max(floor, 1e-12))) for s in spectra)
    heard = spectra[0][first:].amax(dim=0) > floor
    if not heard.any():
        return None
    return float((real_db - made_db).square().mean(dim=0).sqrt()[heard].mean())


def _magnitude(wave: np.ndarray) -> torch.Tensor:
    window = torch.hann_window(_FFT_SIZE)
    return torch.stft(torch.from_numpy(wave), _FFT_SIZE, _FFT_HOP, window=window, return_complex=True).abs()


def held_out_pairs(table: Path, count: int, seed: int = 0) -> Iterator[Pair]:
    """Sounds that are kept for evaluation, drawn by the seed.

    Args:
        table: `sounds.csv` with the recordings beside it, see `wide_paths`.
    """
    rows = [row for row in read_rows(table, held_out=True) if float(row["seconds"]) >= _SOUND_MIN_S]
    paths = wide_paths(rows, table)
    if not paths:
        raise FoleyError(f"There are no held-out sounds at 44.1 kHz beside {table.name}.")
    for index in sorted(np.random.default_rng(seed).permutation(len(paths))[:count]):
        wave, rate_hz = read_wav(paths[index])
        yield new_pair(resample(wave, rate_hz, WIDE_RATE_HZ))


def new_pair(wave: np.ndarray) -> Pair:
    """(N,) at 44.1 kHz -> at most 4 s of it, peak at -6 dBFS, between short silences."""
    wave = wave[: int(_SOUND_MAX_S * WIDE_RATE_HZ)]
    wave = np.pad(0.5 * wave / max(float(np.abs(wave).max(initial=0.0)), 1e-4), int(_MARGIN_S * WIDE_RATE_HZ))
    frames = -(-len(wave) // samples(1, WIDE_RATE_HZ))
    wide = fit_length(wave, samples(frames, WIDE_RATE_HZ))
    return Pair(wide, fit_length(resample(wide, WIDE_RATE_HZ, SAMPLE_RATE_HZ), samples(frames, SAMPLE_RATE_HZ)))


@torch.no_grad()
def evaluate_vocoder(
    vocoder: FoleyVocoder,
    autoencoder: MelAutoencoder,
    pairs: Sequence[Pair],
    *,
    visqol: bool = True,
    report: Callable[[str], None] = lambda line: None,
) -> tuple[list[VocoderRow], list[VocoderRow]]:
    """Compares the vocoder with Griffin-Lim at 16 kHz, and its upper octave with plain resampling.

    Args:
        autoencoder: the mels of some rows pass through it, as those that are generated do.
        pairs: held-out sounds.
        visqol: False leaves these columns empty.
        report: takes a line after each sound.

    Returns:
        Rows at 16 kHz, and rows at 44.1 kHz.
    """
    griffin_lim = GriffinLim()
    narrow = _Tally(SAMPLE_RATE_HZ, 0.0, Visqol() if visqol else None)
    wide = _Tally(WIDE_RATE_HZ, _UPPER_HZ, Visqol() if visqol else None)
    for number, pair in enumerate(pairs):
        mel = log_mel(torch.from_numpy(pair.narrow))[None]
        decoded = autoencoder(_whole_patches(mel)[:, None])[:, 0, :, : mel.shape[-1]].clamp(0, 1)
        for of_what, picture in (("", mel), (", mel through the autoencoder", decoded)):
            wave, seconds = _timed(griffin_lim, picture)
            narrow.add(f"Griffin-Lim, 32 iterations{of_what}", pair.narrow, wave, seconds)
            full, seconds = _timed(vocoder, picture)
            low = fit_length(resample(full, WIDE_RATE_HZ, SAMPLE_RATE_HZ), len(pair.narrow))
            narrow.add(f"this vocoder{of_what}", pair.narrow, low, seconds)
            wide.add(f"this vocoder at 16 kHz, resampled{of_what}", pair.wide, _up(low, pair), None)
            wide.add(f"this vocoder{of_what}", pair.wide, full, seconds)
        extended = vocoder.extend(torch.from_numpy(pair.narrow)[None], mel)[0].numpy()
        wide.add("real sound at 16 kHz, resampled", pair.wide, _up(pair.narrow, pair), None)
        wide.add("real sound at 16 kHz with this upper octave", pair.wide, extended, None)
        report(f"sound {number + 1} of {len(pairs)}")
    return narrow.rows(), wide.rows()


def _whole_patches(mel: torch.Tensor) -> torch.Tensor:
    """The autoencoder takes frames by eights."""
    return torch.nn.functional.pad(mel, (0, -mel.shape[-1] % 8))


def _up(wave: np.ndarray, pair: Pair) -> np.ndarray:
    return fit_length(resample(wave, SAMPLE_RATE_HZ, WIDE_RATE_HZ), len(pair.wide))


def _timed(vocoder: FoleyVocoder | GriffinLim, mel: torch.Tensor) -> tuple[np.ndarray, float]:
    started_s = time.process_time()  # of all cores together, whatever else runs on this computer
    wave = vocoder(mel)[0].numpy()
    return wave, time.process_time() - started_s


class _Tally:
    """Collects the numbers of each method in the order of their first appearance."""

    def __init__(self, rate_hz: int, above_hz: float, visqol: Visqol | None) -> None:
        self._rate_hz, self._above_hz, self._visqol = rate_hz, above_hz, visqol
        self._scores: dict[str, list[tuple[float | None, float | None, float | None]]] = {}

    def add(self, method: str, real: np.ndarray, made: np.ndarray, seconds: float | None) -> None:
        distance = log_spectral_distance(real, made, self._rate_hz, above_hz=self._above_hz)
        grade = self._visqol.score(real, self._rate_hz, made, self._rate_hz) if self._visqol else None
        share = None if seconds is None else seconds * self._rate_hz / len(real)
        self._scores.setdefault(method, []).append((distance, grade, share))

    def rows(self) -> list[VocoderRow]:
        return [self._row(method, scores) for method, scores in self._scores.items()]

    @staticmethod
    def _row(method: str, scores: list[tuple[float | None, float | None, float | None]]) -> VocoderRow:
        distances, grades, shares = ([s for s in column if s is not None] for column in zip(*scores, strict=True))
        return VocoderRow(
            method,
            float(np.mean(distances)) if distances else float("nan"),
            _half_interval(distances),
            float(np.mean(grades)) if grades else None,
            _half_interval(grades) if grades else None,
            # The first call warms up.
            float(np.median(shares)) if shares else None,
            len(scores),
        )


def _half_interval(values: list[float]) -> float:
    """Half of the 95 % interval of a mean."""
    return 1.96 * float(np.std(values, ddof=1)) / sqrt(len(values)) if len(values) > 1 else float("nan")


def print_vocoder(narrow: list[VocoderRow], wide: list[VocoderRow]) -> str:
    """Two tables in Markdown."""
    return "\n\n".join(
        [
            _table("at 16 kHz", "LSD (dB) ↓", narrow),
            _table("at 44.1 kHz", "LSD above 8 kHz (dB) ↓", wide),
            "± is half of the 95 % interval over sounds; time is that of one core for a second of sound.",
        ]
    )


def _table(title: str, distance: str, rows: list[VocoderRow]) -> str:
    lines = [f"| {title} | {distance} | ViSQOL ↑ | time | sounds |", "|" + " --- |" * 5]
    for row in rows:
        grade = "" if row.visqol is None else f"{row.visqol:.3f} ± {row.visqol_interval:.3f}"
        share = "" if row.time_share is None else f"{row.time_share:.3f}"
        lines.append(
            f"| {row.method} | {row.lsd_db:.2f} ± {row.lsd_interval_db:.2f} | {grade} | {share} | {row.sounds} |"
        )
    return "\n".join(lines)
