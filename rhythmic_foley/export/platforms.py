"""A take as one posts it: in the size and at the loudness that a platform likes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.loudness import as_loud_as
from rhythmic_foley.audio.signal import resample
from rhythmic_foley.audio.wav import read_wav_channels
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.output import prepare_mp4
from rhythmic_foley.media.muxing import mux, write_frames
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.results import Take

_RATE_HZ = 48_000
_MOST_FPS = 60.0
_PORTRAIT = (1080, 1920)


@dataclass(frozen=True)
class Preset:
    """What a platform likes.

    Attributes:
        title: the platform's name.
        size: (width, height) in pixels; None leaves the picture as it is, copied untouched.
        loudness_lufs: None leaves the sound as it is.
        only_h264: whether other codecs are re-encoded.
        any_pixels: whether pictures that many players do not show (10 bits, HDR, 4:4:4, odd sizes, interlaced) stay.
    """

    title: str
    size: tuple[int, int] | None = None
    loudness_lufs: float | None = None
    only_h264: bool = False
    any_pixels: bool = False


PRESETS = {
    "plain": Preset("As it is", any_pixels=True),
    "tiktok": Preset("TikTok", _PORTRAIT, -14.0),
    "reels": Preset("Instagram Reels", _PORTRAIT, -14.0),
    "shorts": Preset("YouTube Shorts", _PORTRAIT, -14.0),
    "youtube": Preset("YouTube", loudness_lufs=-14.0),
    "x": Preset("X", loudness_lufs=-14.0, only_h264=True),
}
FITS = ("pad", "crop")


def export_post(take: Take, preset: str, out: Path, *, fit: str = "pad") -> Path:
    """Writes an MP4 (H.264 where the preset wants a size; AAC at 48 kHz).

    Args:
        preset: a name in `PRESETS`.
        fit: how another shape is filled: "pad" with black around the whole picture, or "crop" with its middle.

    Raises:
        FoleyError: if there is no such preset, or a file cannot be read or written.
    """
    if preset not in PRESETS:
        raise FoleyError(f'There is no preset "{preset}"; choose one of {", ".join(PRESETS)}.')
    if fit not in FITS:
        raise FoleyError(f'A picture can be fitted by "pad" or "crop", not "{fit}".')
    prepare_mp4(out, take.video)
    wanted = PRESETS[preset]
    wave, rate_hz = read_wav_channels(take.wav)
    wave = wave[:, 0] if wave.shape[1] == 1 else wave
    wave = resample(wave, rate_hz, _RATE_HZ)
    if wanted.loudness_lufs is not None:
        wave = as_loud_as(wave, _RATE_HZ, wanted.loudness_lufs)
    clip = probe(take.video)
    size = wanted.size
    other_codec = wanted.only_h264 and clip.codec != "h264"
    if size is None and (other_codec or not (wanted.any_pixels or _plays(clip))):
        size = (max(2, clip.width // 2 * 2), max(2, clip.height // 2 * 2))
    if size is None:
        mux(take.video, wave, _RATE_HZ, out)
    else:
        fps = min(clip.fps, _MOST_FPS)
        write_frames(
            _fitted(clip, size, fit, fps), size, fps, wave[: round(clip.duration_s * _RATE_HZ)], _RATE_HZ, out
        )
    return out


def _plays(clip: ClipInfo) -> bool:
    """Whether the stored picture is what every platform's player takes."""
    even = clip.width % 2 == 0 and clip.height % 2 == 0
    return even and clip.pixel_format in ("yuv420p", "yuvj420p") and not clip.interlaced and not clip.hdr


def _fitted(clip: ClipInfo, size: tuple[int, int], fit: str, fps: float) -> Iterator[np.ndarray]:
    """The clip's pictures at a steady rate, uint8 (height, width, 3) of that size."""
    ratios = size[0] / clip.width, size[1] / clip.height
    scale = min(ratios) if fit == "pad" else max(ratios)
    scaled = max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
    left, top = ((wanted - got) // 2 for wanted, got in zip(size, scaled, strict=True))
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    inside = canvas[max(0, top) : top + scaled[1], max(0, left) : left + scaled[0]]
    for _, image in read_frames(clip.path, fps, scaled):
        inside[...] = image[max(0, -top) :, max(0, -left) :][: inside.shape[0], : inside.shape[1]]
        yield canvas
