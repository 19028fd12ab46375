"""Folders of clips: which real sound belongs to which generated one, and the sounds themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe, read_audio

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi")


@dataclass(frozen=True)
class ClipFiles:
    """Files of one clip.

    Attributes:
        sound: what the sound is read from: a sound file, or the video if there is none of the same stem.
        video: where the picture is; None without one.
        doubled: there are several files of the same kind, of which the first in order of suffixes was taken.
    """

    sound: Path
    video: Path | None
    doubled: bool = False


@dataclass(frozen=True)
class Pair:
    """A generated sound and the real one of the same clip.

    Attributes:
        clip: stem of the real file.
        name: stem of the generated file; differs where a clip has several samples.
        change: makes the generated sound from the file's, (N,) -> (N,); None for the file's own.
    """

    clip: str
    name: str
    real: ClipFiles
    generated: ClipFiles
    change: Callable[[np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class Pairing:
    """What two folders have in common.

    Attributes:
        missing: real clips for which nothing was generated.
        unmatched: generated clips without a real one.
    """

    pairs: tuple[Pair, ...]
    missing: tuple[str, ...]
    unmatched: tuple[str, ...]


def find_clips(folder: str | Path) -> dict[str, ClipFiles]:
    """Clips of a folder by stem, in order; of a sound file and a video of the same stem the former gives the sound.

    Raises:
        FoleyError: if there is no such folder or no clip in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FoleyError(f"There is no folder {folder}.")
    files: dict[str, list[Path]] = {}
    suffixes = SOUND_SUFFIXES + VIDEO_SUFFIXES
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
        if path.suffix.lower() in suffixes:
            files.setdefault(path.stem, []).append(path)
    if not files:
        raise FoleyError(f"There is no sound or video in {folder}; it should hold wav, flac or mp4 files.")
    return {stem: _clip_files(sorted(paths, key=_suffix_rank)) for stem, paths in files.items()}


def _suffix_rank(path: Path) -> int:
    return (SOUND_SUFFIXES + VIDEO_SUFFIXES).index(path.suffix.lower())


def _clip_files(paths: list[Path]) -> ClipFiles:
    videos = [path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES]
    doubled = len(videos) > 1 or len(paths) - len(videos) > 1
    return ClipFiles(paths[0], videos[0] if videos else None, doubled)


def pair_clips(real: Mapping[str, ClipFiles], generated: Mapping[str, ClipFiles]) -> Pairing:
    """Pairs clips by stem; generated stems may end in `_sample_1`, `_sample_2` ... for several samples of a clip."""
    pairs, unmatched = [], []
    for name, files in generated.items():
        clip = name if name in real else re.sub(r"_sample_\d+$", "", name)
        if clip in real:
            pairs.append(Pair(clip, name, real[clip], files))
        else:
            unmatched.append(name)
    met = {pair.clip for pair in pairs}
    return Pairing(tuple(pairs), tuple(clip for clip in real if clip not in met), tuple(unmatched))


def first_samples(real: Mapping[str, ClipFiles], generated: Mapping[str, ClipFiles]) -> dict[str, ClipFiles]:
    """What was generated for each real clip; the first of several samples."""
    found: dict[str, ClipFiles] = {}
    for pair in pair_clips(real, generated).pairs:
        found.setdefault(pair.clip, pair.generated)
    return found


def has_sound(files: ClipFiles) -> bool:
    """Whether there is a sound to read, as far as can be told without reading it."""
    if files.sound != files.video:
        return True
    try:
        return probe(files.sound).has_audio
    except FoleyError:
        return False


def read_sound(files: ClipFiles) -> tuple[np.ndarray, int] | None:
    """The clip's sound as float32 (N,) mono at its own rate, and that rate; None if its video has no sound track.

    Raises:
        FoleyError: if the file cannot be read or holds numbers that are none.
    """
    if files.sound != files.video:
        wave, rate_hz = read_wav(files.sound)
    else:
        rate_hz = probe(files.sound).audio_rate_hz
        if rate_hz is None:
            return None
        wave = read_audio(files.sound, rate_hz)
    if not np.isfinite(wave).all():
        raise FoleyError(f"{files.sound.name} holds samples that are not numbers.")
    return wave, rate_hz
