"""How large what people bring may be. Every limit is checked before anything is decoded, and said in one sentence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    import numpy as np

# Clips
MIN_CLIP_S, MAX_CLIP_S = 0.3, 600.0
MAX_FILE_GB = 4
MAX_UPLOAD_MB = 500
MAX_PIXELS = 4096 * 2304
MAX_FPS = 250.0
MAX_STREAMS = 64
# Even 4K AV1 on a slow laptop takes less than half of this.
_DECODING_S, _DECODING_PER_S = 20.0, 10.0
_SLACK_S = 1.0  # the last frame of a clip of ten minutes may stay a little longer

# Sounds
MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 192_000
MAX_CHANNELS = 64  # what FFmpeg converts
_LOUDEST = 32.0  # 30 dB above full scale

# What visitors of the app may fill together
MAX_VISITS_GB = 20

# Settings, onsets, events
MAX_JSON_MB = 4
MAX_ONSETS, MAX_EVENTS, MAX_TEXT = 10_000, 200, 1000
LATEST_S = 1e9  # no time of a sound lies beyond; larger ones overflow when they are counted in samples


def check_file_size(path: Path) -> None:
    """Raises a sentence for a file that is too large to be looked at."""
    size_gb = path.stat().st_size / 1e9
    if size_gb > MAX_FILE_GB:
        raise FoleyError(f"{path.name} is {size_gb:.1f} GB large; the limit is {MAX_FILE_GB} GB.")


def check_streams(name: str, count: int) -> None:
    """Raises a sentence for a file with too many streams of picture, sound and subtitles."""
    if count > MAX_STREAMS:
        raise FoleyError(f"{name} holds {count} streams of picture, sound and text; the limit is {MAX_STREAMS}.")


def check_picture_size(name: str, width: int, height: int) -> None:
    """Raises a sentence for pictures that are too large, or that do not say how large they are."""
    limit = f"the limit is {MAX_PIXELS / 1e6:.1f} megapixels (4K)"
    if width < 1 or height < 1:
        raise FoleyError(f"{name} does not say how large its picture is, or that is too large; {limit}.")
    if width * height > MAX_PIXELS:
        raise FoleyError(f"{name} has a picture of {width} × {height} pixels; {limit}.")


def check_length(duration_s: float) -> None:
    """Raises a sentence for a clip that is too long."""
    if duration_s > MAX_CLIP_S + _SLACK_S:
        minutes = duration_s / 60
        raise FoleyError(f"This clip is {minutes:.1f} min long; the limit is {MAX_CLIP_S / 60:g} min. Please trim it.")


def check_frame_rate(name: str, frames: int, duration_s: float) -> None:
    """Raises a sentence for too many pictures a second, over the whole clip."""
    if frames > MAX_FPS * max(duration_s, 1.0):
        rate = frames / max(duration_s, 1.0)
        raise FoleyError(f"{name} has {rate:.0f} pictures a second; the limit is {MAX_FPS:g}.")


def check_sound(name: str, rate_hz: int, channels: int, samples: int, longest_s: float) -> None:
    """Raises a sentence for a sound with a strange rate, too many channels or too many samples."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise FoleyError(f"{name} has {rate_hz} samples a second; {MIN_RATE_HZ} to {MAX_RATE_HZ} can be used.")
    if channels > MAX_CHANNELS:
        raise FoleyError(f"{name} has {channels} channels; the limit is {MAX_CHANNELS}.")
    if samples > longest_s * rate_hz:
        raise FoleyError(f"{name} is a sound of {samples / rate_hz:.0f} s; the limit is {longest_s:g} s.")


def bounded(samples: np.ndarray) -> np.ndarray:
    """Samples as they are, but for those of damaged files that are no numbers or far too loud."""
    import numpy as np

    return np.clip(np.nan_to_num(samples), -_LOUDEST, _LOUDEST)


class Stopwatch:
    """Time spent decoding one clip, whatever else is done in between."""

    def __init__(self, name: str, duration_s: float) -> None:
        self._name, self._duration_s = name, duration_s
        self._left_s = _DECODING_S + _DECODING_PER_S * duration_s

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts what is done inside.

        Raises:
            FoleyError: once it has taken far longer than any sound clip of that length.
        """
        begun_s = time.monotonic()
        yield
        self._left_s -= time.monotonic() - begun_s
        if self._left_s < 0:
            raise FoleyError(f"{self._name} takes too long to decode; convert it to an H.264 MP4 file.")
