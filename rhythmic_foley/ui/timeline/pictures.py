"""A clip's filmstrip and waveform, small enough to travel inside the timeline's value."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.media.reading import read_audio, read_frames, read_key_frames
from rhythmic_foley.values.clip import ClipInfo

_HEIGHT_PX, _COLUMNS = 54, 16
_MAX_WIDTH_PX = 120
_MAX_PICTURES = 64
_PER_S = 4.0
# From this distance on key frames are near enough; decoding all of a long clip would take as long as describing it.
_SPARSE_S = 1.5
_JPEG_QUALITY = 62

_WAVE_RATE_HZ = 8000
_PAIRS_PER_S, _MAX_PAIRS = 100, 6000


def filmstrip(clip: ClipInfo) -> dict[str, Any]:
    """Pictures evenly spaced over the clip, as one JPEG in rows.

    Returns:
        {"url": data URL, "count": how many, "columns": how many lie side by side}; picture i shows the middle of the
        i-th of `count` equal stretches, in a long clip the key frame before it.
    """
    count = int(np.clip(np.ceil(clip.duration_s * _PER_S), 4, _MAX_PICTURES))
    step_s = clip.duration_s / count
    if step_s < _SPARSE_S or clip.container == "avi":  # AVI cannot be sought
        pictures = [frame for _, frame in read_frames(clip.path, 1 / step_s, _size(clip), start_s=step_s / 2)]
    else:
        pictures = list(read_key_frames(clip.path, [(i + 0.5) * step_s for i in range(count)], _size(clip)))
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    height, width = pictures[0].shape[:2]
    sheet = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = picture
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "JPEG", quality=_JPEG_QUALITY)
    url = "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
    return {"url": url, "count": len(pictures), "columns": columns}


def waveform(clip: ClipInfo) -> list[list[float]] | None:
    """Lowest and highest sample of each of many equal stretches of the picture's time; None without sound.

    Scaled so that the loudest sample is 1, since it is there to see hits, not levels.
    """
    wave = read_audio(clip.path, _WAVE_RATE_HZ) if clip.has_audio else None
    if wave is None or not len(wave) or not np.abs(wave).max():
        return None
    pairs = int(np.clip(clip.duration_s * _PAIRS_PER_S, 1, _MAX_PAIRS))
    samples = max(1, round(clip.duration_s * _WAVE_RATE_HZ))
    wave = fit_length(wave, samples) / np.abs(wave).max()
    starts = np.arange(pairs) * len(wave) // pairs
    low, high = np.minimum.reduceat(wave, starts), np.maximum.reduceat(wave, starts)
    return [[round(float(a), 3), round(float(b), 3)] for a, b in zip(low, high, strict=True)]


def _size(clip: ClipInfo) -> tuple[int, int]:
    """(width, height) of one picture, in the clip's shape."""
    return min(_MAX_WIDTH_PX, max(8, round(_HEIGHT_PX * clip.width / clip.height))), _HEIGHT_PX
