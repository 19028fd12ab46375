"""Read sound files of the common kinds, and write WAV files that appear whole or not at all."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.channels import stereo_shares, to_mono, usual_layout
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.runtime.atomic import move_into_place
from rhythmic_foley.runtime.isolation import isolated
from rhythmic_foley.values.limits import MAX_CLIP_S, bounded, check_file_size, check_sound


def write_wav(path: str | Path, wave: np.ndarray, sample_rate_hz: int) -> None:
    """Write (N,) or (N, C) in -1..1 as 16-bit WAV. The file appears under its name only when it is complete."""
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


def in_16_bit(wave: np.ndarray) -> np.ndarray:
    """Put samples on the steps of a 16-bit file, as `write_wav` does, so that sums are exact. Returns float32 (N,)."""
    steps = np.floor(np.asarray(wave, np.float64) * _FULL_SCALE)
    return (np.clip(steps, -_FULL_SCALE, _FULL_SCALE - 1) / _FULL_SCALE).astype(np.float32)


_FULL_SCALE = 32_768

# How files of the common kinds begin. The library also reads rare ones, whose readers few people have looked at.
_SOUND_FILES = (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"caff")
_BLOCK = 65_536


def read_wav(path: str | Path, *, longest_s: float = MAX_CLIP_S + 1) -> tuple[np.ndarray, int]:
    """Read a sound file (WAV, AIFF, FLAC, OGG, MP3, CAF) as mono. Returns float32 (N,) and its rate in Hz.

    Raises:
        FoleyError: as for `read_wav_channels`.
    """
    wave, rate_hz = read_wav_channels(path, longest_s=longest_s)
    return to_mono(wave), rate_hz


@isolated
def read_wav_channels(path: str | Path, *, longest_s: float = MAX_CLIP_S + 1) -> tuple[np.ndarray, int]:
    """Read a sound file as mono or stereo; more channels are folded to stereo (`stereo_shares`).

    Returns:
        float32 (N, C) with C = 1 or 2, and its rate in Hz.

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
            shares = stereo_shares(usual_layout(sound.channels)) if sound.channels > 1 else np.ones((1, 1), np.float32)
            folded = [bounded(block) @ shares for block in blocks]
            return np.concatenate([np.zeros((0, shares.shape[1]), np.float32), *folded]), sound.samplerate
    except (soundfile.SoundFileError, OSError, TypeError, ValueError):
        raise unreadable from None
