"""Sounds of one clip made comparable: one rate, one length, one loudness, pictures on one scale.

Files get names that tell nothing, so that a blind comparison is blind for whoever looks at addresses too.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex
from PIL import Image

from rhythmic_foley.audio.loudness import PEAK_LIMIT, loudness_lufs
from rhythmic_foley.audio.mel import N_MELS, SAMPLE_RATE_HZ, band_of, sound_mel
from rhythmic_foley.audio.mel_images import HIGHEST_DB, LOWEST_DB
from rhythmic_foley.audio.signal import fit_length, resample
from rhythmic_foley.audio.wav import read_wav, write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import read_audio

MOST = 4
DIFFERENCE_DB = 40.0
# As loud as the quietest peaks allow, but no louder than what the app makes by default.
LOUDEST_LUFS = -16.0
# Colours of the two compared sounds, and of where the difference picture says that one of them is louder.
FIRST_COLOUR, SECOND_COLOUR = "#ffa94d", "#5cb8ff"
_NO_DIFFERENCE = "#101014"
_MOST_RATE_HZ = 48_000
_MOST_COLUMNS = 8192
_VIDEO_SUFFIXES = {".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v"}
_TICKS_HZ = {250: "250", 1000: "1k", 4000: "4k"}

Wave = tuple[np.ndarray, int]


@dataclass(frozen=True)
class Track:
    """One of the compared sounds.

    Attributes:
        wav: mono, at the rate and with the length that all tracks of a comparison share.
        mel: PNG without axes, a pixel for a mel frame (or the loudest of several) and a band, low bands below.
        gain_db: brings it to the loudness that all tracks can have without clipping.
    """

    label: str
    wav: Path
    mel: Path
    gain_db: float


@dataclass(frozen=True)
class Comparison:
    """One to four sounds of one clip.

    Attributes:
        differences: PNG like the mels for each ordered pair (a, b) of track numbers: how much louder a is than b.
    """

    duration_s: float
    tracks: tuple[Track, ...]
    differences: dict[tuple[int, int], Path]


def compare(
    sounds: Sequence[tuple[str, str | Path]], folder: str | Path, duration_s: float | None = None
) -> Comparison:
    """Prepare one to four sounds of one clip.

    Args:
        sounds: label and file; a sound file, or a video with a sound track. Several channels become one.
        folder: gets the files.
        duration_s: of the clip; None is the longest sound. Shorter sounds end in silence, longer ones are cut.

    Raises:
        FoleyError: for too few or too many sounds, for a file without sound.
    """
    if not 1 <= len(sounds) <= MOST:
        raise FoleyError(f"Choose 1 to {MOST} sounds to compare, not {len(sounds)}.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    waves = [_read(Path(path)) for _, path in sounds]
    duration_s = duration_s or max(len(wave) / rate_hz for wave, rate_hz in waves)
    rate_hz = min(_MOST_RATE_HZ, max(rate_hz for _, rate_hz in waves))
    heard = [fitted(wave, rate_hz, duration_s) for wave in waves]
    mels = [_pooled(_mel((wave, rate_hz), duration_s)) for wave in heard]
    labels = [label for label, _ in sounds]
    tracks = []
    for label, wave, mel, gain_db in zip(labels, heard, mels, common_loudness(heard, rate_hz), strict=True):
        track = Track(label, _unnamed(folder, ".wav"), _unnamed(folder, ".png"), gain_db)
        write_wav(track.wav, wave, rate_hz)
        mel_strip(mel, track.mel)
        tracks.append(track)
    differences = {}
    for a, b in permutations(range(len(mels)), 2):
        differences[a, b] = _unnamed(folder, ".png")
        difference_strip(mels[a], mels[b], differences[a, b])
    return Comparison(duration_s, tuple(tracks), differences)


def fitted(wave: Wave, rate_hz: int, duration_s: float) -> np.ndarray:
    """The sound at another rate, cut or filled with silence to a length. float32 (round(duration * rate),)."""

    samples, from_hz = wave
    return fit_length(resample(samples, from_hz, rate_hz).astype(np.float32), round(duration_s * rate_hz))


def common_loudness(waves: Sequence[np.ndarray], rate_hz: int) -> list[float]:
    """Gains in dB that bring all sounds to one loudness, the highest at which none passes -1 dBFS.

    Args:
        waves: (N,) each. Silence gets 0 dB and has no say.
    """
    now_lufs = [loudness_lufs(wave, rate_hz) for wave in waves]
    peaks = [float(np.abs(wave).max(initial=0.0)) for wave in waves]
    reachable = [
        lufs + 20 * np.log10(PEAK_LIMIT / peak)
        for lufs, peak in zip(now_lufs, peaks, strict=True)
        if np.isfinite(lufs) and peak
    ]
    target_lufs = min([LOUDEST_LUFS, *reachable])
    return [float(target_lufs - lufs) if np.isfinite(lufs) else 0.0 for lufs in now_lufs]


def mel_strip(mel: np.ndarray, path: str | Path) -> None:
    """A mel (128, T) in [0, 1] as PNG of the same size without axes, in the colours and on the scale of `plots`."""
    _write_png(mel, colormaps["magma"], path)


def difference_strip(mel: np.ndarray, other: np.ndarray, path: str | Path) -> None:
    """How much louder `mel` is than `other`, both (128, T) in [0, 1], as PNG from -40 to +40 dB."""
    decibel = (mel - other) * (HIGHEST_DB - LOWEST_DB)
    _write_png(decibel / (2 * DIFFERENCE_DB) + 0.5, _difference_colours(), path)


def legend() -> dict[str, object]:
    """What the pictures' colours and heights mean: scales in dB, their colours from low to high, frequencies."""
    return {
        "level_db": [LOWEST_DB, HIGHEST_DB],
        "level_colours": _samples(colormaps["magma"]),
        "difference_db": [-DIFFERENCE_DB, DIFFERENCE_DB],
        "difference_colours": _samples(_difference_colours()),
        "bands": [[label, (band_of(hz) + 0.5) / N_MELS] for hz, label in _TICKS_HZ.items()],
    }


@lru_cache
def _difference_colours() -> Colormap:
    """Dark where there is no difference, as the mels are dark where nothing sounds; blue and orange differ for all."""
    return LinearSegmentedColormap.from_list("difference", [SECOND_COLOUR, _NO_DIFFERENCE, FIRST_COLOUR])


def _samples(colours: Colormap) -> list[str]:
    return [to_hex(colours(value)) for value in np.linspace(0, 1, 9)]


def _read(path: Path) -> Wave:
    """A sound file or the sound of a video as mono: (N,) and its rate."""
    if path.suffix.lower() not in _VIDEO_SUFFIXES:
        return read_wav(path)
    wave = read_audio(path, _MOST_RATE_HZ)
    if wave is None or not len(wave):
        raise FoleyError(f"{path.name} has no sound to compare.")
    return wave, _MOST_RATE_HZ


def _mel(wave: Wave, duration_s: float) -> np.ndarray:
    """(128, T) in [0, 1]."""
    return sound_mel(fitted(wave, SAMPLE_RATE_HZ, duration_s), SAMPLE_RATE_HZ)


def _pooled(mel: np.ndarray) -> np.ndarray:
    """As many columns as a browser can show; the loudest of those behind one, so that no hit is lost."""
    frames = mel.shape[1]
    if frames <= _MOST_COLUMNS:
        return mel
    return np.maximum.reduceat(mel, np.arange(_MOST_COLUMNS) * frames // _MOST_COLUMNS, axis=1)


def _write_png(values: np.ndarray, colours: Colormap, path: str | Path) -> None:
    """(128, T) in [0, 1], low bands first, as a PNG with a palette of 256 colours."""
    levels = np.round(np.clip(values[::-1], 0, 1) * 255).astype(np.uint8)
    image = Image.fromarray(levels)  # putpalette makes it a picture of colours by number
    image.putpalette(colours(np.arange(256), bytes=True)[:, :3].tobytes())
    image.save(path, format="PNG", optimize=False)


def _unnamed(folder: Path, suffix: str) -> Path:
    return folder / f"{secrets.token_hex(8)}{suffix}"
