"""HDR pictures (HLG, PQ) on ordinary screens: mapped to BT.709 by a plain curve.

1. Signal to light: PQ and HLG as in ITU-R BT.2100-2, tables 4 and 5; HLG for a screen of 1000 cd/m².
2. Brightness: the curve of ITU-R BT.2390-11, section 5.4.1 (EETF), from 1000 to 203 cd/m², which is how HDR shows the
   white of ordinary pictures (BT.2408). It leaves what is darker than 90 cd/m² as it is and bends the rest. The
   brightest of a pixel's three colours is mapped and takes the others along, so that hues stay.
3. Colours: the matrix of ITU-R BT.2407-0, section 2, from BT.2020 to BT.709; what lies outside is clipped.
4. Light to signal: the inverse of BT.1886, a power of 1 / 2.4.

The whole is sampled as a table of 33³ colours between which FFmpeg interpolates.
"""

from __future__ import annotations

import os
import tempfile
import threading
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

_PQ, _HLG = 16, 18  # FFmpeg's numbers of these transfer curves
_BT_709, _BT_2020 = 1, 9  # and of colour spaces
_PEAK, _WHITE = 1000.0, 203.0  # cd/m²
_POINTS = 33
_BT_2020_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def is_hdr(frame: VideoFrame) -> bool:
    """Whether a frame's signal is HLG or PQ."""
    return frame.color_trc in (_PQ, _HLG)


def to_bt709(frame: VideoFrame, size: tuple[int, int], interpolation: str = "BICUBIC") -> VideoFrame:
    """An HDR frame scaled to (width, height) and tone-mapped: RGB of 16 bits, full range, BT.709."""
    known = frame.colorspace not in (0, 2)
    signal = frame.reformat(
        *size,
        format="rgb48le",
        src_colorspace=frame.colorspace if known else _BT_2020,
        interpolation=interpolation,
        threads=1,
    )
    graph = _graph(*size, frame.color_trc, threading.get_ident())
    graph.push(signal)
    mapped = graph.pull()
    mapped.colorspace, mapped.color_trc, mapped.color_primaries = 0, _BT_709, _BT_709
    return mapped


def tone_mapped(signal: np.ndarray, transfer: int) -> np.ndarray:
    """HDR signals (..., 3), R'G'B' of BT.2020 in 0..1, as R'G'B' of BT.709 in 0..1.

    Args:
        transfer: 16 for PQ, 18 for HLG.
    """
    light = np.minimum(_light_of_pq(signal) if transfer == _PQ else _light_of_hlg(signal), _PEAK)  # cd/m²
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    share = light * (_dimmed(brightest) / brightest) / _WHITE
    return np.clip(share @ _BT_2020_TO_709.T, 0, 1) ** (1 / 2.4)


def _light_of_pq(signal: np.ndarray) -> np.ndarray:
    """cd/m² (BT.2100-2, table 4)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = np.asarray(signal, dtype=np.float64) ** (1 / m2)
    return 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def _pq_of_light(light: np.ndarray | float) -> np.ndarray:
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = (np.asarray(light, dtype=np.float64) / 10_000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def _light_of_hlg(signal: np.ndarray) -> np.ndarray:
    """cd/m² on a screen of 1000 cd/m², whose gamma is 1.2 (BT.2100-2, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    signal = np.asarray(signal, dtype=np.float64)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = (scene @ np.array([0.2627, 0.6780, 0.0593]))[..., None]
    return _PEAK * luminance**0.2 * scene


def _dimmed(light: np.ndarray) -> np.ndarray:
    """cd/m² up to `_PEAK` -> up to `_WHITE` (BT.2390-11, section 5.4.1, with black at 0)."""
    peak = _pq_of_light(_PEAK)
    brightest = float(_pq_of_light(_WHITE) / peak)
    knee = 1.5 * brightest - 0.5
    share = _pq_of_light(light) / peak
    t = (share - knee) / (1 - knee)
    bent = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * brightest
    return _light_of_pq(np.where(share < knee, share, bent) * peak)


@cache
def _table(transfer: int) -> str:
    """The tone map as a .cube file, red fastest."""
    axis = np.linspace(0, 1, _POINTS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    mapped = tone_mapped(np.stack([red, green, blue], axis=-1), transfer).reshape(-1, 3)
    return (
        f"LUT_3D_SIZE {_POINTS}\n"
        + "\n".join(f"{red:.6f} {green:.6f} {blue:.6f}" for red, green, blue in mapped)
        + "\n"
    )


@lru_cache(maxsize=4)
def _graph(width: int, height: int, transfer: int, _thread: int) -> Graph:
    """FFmpeg's filter for frames of that size; each thread has its own, since they keep a frame on the way."""
    handle, name = tempfile.mkstemp(suffix=".cube")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(_table(transfer))
        graph = Graph()
        source = graph.add_buffer(width=width, height=height, format="rgb48le", time_base=1)
        graph.link_nodes(source, graph.add("lut3d", file=name, interp="tetrahedral"), graph.add("buffersink"))
        graph.configure()
        return graph
    finally:
        Path(name).unlink(missing_ok=True)
