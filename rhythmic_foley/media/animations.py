"""Animated pictures (GIF, WebP, APNG) as silent films with the delays that browsers give them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame
from PIL import Image, ImageSequence

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.streams import WANTED
from rhythmic_foley.runtime.isolation import decoder_call
from rhythmic_foley.values.limits import MAX_CLIP_S, Stopwatch, check_length, check_picture_size

_CLOCK = Fraction(1, 1000)
# Browsers show a frame with a delay below 2 hundredths of a second, which old programs wrote for "fast", for 10.
_LEAST_MS, _USUAL_MS = 20, 100
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Film:
    """A file that FFmpeg reads.

    Attributes:
        path: the clip itself, or an animated picture's frames without loss.
        animation: "gif", "webp" or "apng"; None for a video.
        last_ms: how long an animation's last frame is shown, in milliseconds.
    """

    path: Path
    animation: str | None = None
    last_ms: int = 0


@contextmanager
def film_of(path: Path) -> Iterator[Film]:
    """The file itself; for an animated picture a film that is gone afterwards.

    Raises:
        FoleyError: if it is a picture that does not move, or a damaged or far too large one.
    """
    kind = _kind(path)
    if kind is None:
        yield Film(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "film.mkv")
        yield Film(film, kind, _write_film(path, film))


def _kind(path: Path) -> str | None:
    """Which kind of picture a file begins as; None for anything else."""
    with path.open("rb") as file:
        begin = file.read(12)
    if begin.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if begin.startswith(b"\x89PNG\r\n\x1a\n"):
        return "apng"
    return "webp" if begin.startswith(b"RIFF") and begin.endswith(b"WEBP") else None


def _write_film(path: Path, film: Path) -> int:
    """Write the frames as Matroska and answer how many milliseconds the last one is shown."""
    try:
        with Image.open(path, formats=["GIF", "PNG", "WEBP"]) as picture:
            check_picture_size(path.name, *picture.size)
            if not getattr(picture, "is_animated", False):
                raise FoleyError(f"{path.name} is a single picture, not a video; {WANTED}.")
            return _write_frames(path.name, picture, film)
    except _DAMAGED as error:
        raise FoleyError(f"{path.name} is damaged or not a video that can be read; {WANTED}.") from error


def _write_frames(name: str, picture: Image.Image, film: Path) -> int:
    tick, shown_ms = 0, _USUAL_MS
    with av.open(str(film), "w", format="matroska") as out:
        video = out.add_stream("ffv1", rate=1000)
        video.width, video.height, video.pix_fmt = *picture.size, "bgr0"
        video.codec_context.time_base = _CLOCK
        for image, shown_ms in _frames(name, picture):
            frame = VideoFrame.from_image(image).reformat(format="bgr0")
            frame.pts, frame.time_base = tick, _CLOCK
            for packet in video.encode(frame):
                packet.duration = shown_ms
                out.mux(packet)
            tick += shown_ms
            check_length(tick / 1000)
        out.mux(video.encode(None))
    return shown_ms


def _frames(name: str, picture: Image.Image) -> Iterator[tuple[Image.Image, int]]:
    """Each frame as RGB on white, with the milliseconds for which it is shown; a damaged file ends early."""
    decoding = Stopwatch(name, MAX_CLIP_S)
    white = Image.new("RGBA", picture.size, "white")
    frames = ImageSequence.Iterator(picture)
    if picture.info.get("default_image"):  # of an APNG: for programs that do not know animations
        next(frames)
    count = 0
    while True:
        try:
            with decoding.running(), decoder_call():
                image = Image.alpha_composite(white, next(frames).convert("RGBA")).convert("RGB")
        except StopIteration:
            return
        except _DAMAGED:
            if not count:
                raise
            return
        count += 1
        delay_ms = round(picture.info.get("duration") or 0)
        yield image, delay_ms if delay_ms >= _LEAST_MS else _USUAL_MS
