"""Pictures of mel spectrograms, all on one scale, so that takes can be compared by eye. Safe in threads: no pyplot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from PIL import Image

from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ, N_MELS, band_of

LOWEST_DB, HIGHEST_DB = -80.0, 20.0
_TICKS_HZ = {250: "250", 500: "500", 1000: "1k", 2000: "2k", 4000: "4k", 7000: "7k"}
_COLOURS = "magma"
_DPI = 100
_WIDTH_PX, _HEIGHT_PX = 900, 320
# Room around the picture for ticks and labels, in pixels.
_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 68, 84, 36, 56
# Dark as the picture's own silence, on light pages as on dark ones. Text is large: a phone shows the picture at 40 %.
_GROUND, _INK, _LINE = "#131318", "#d9d9de", "#4fd8ff"
_TICK_PT, _TITLE_PT = 13, 14
_COLUMNS = _WIDTH_PX - _LEFT_PX - _RIGHT_PX
_MAX_TITLE = 64

Mel = np.ndarray | torch.Tensor


def mel_image(log_mel: Mel, path: str | Path, *, onsets_s: Sequence[float] = (), title: str = "") -> None:
    """Write a PNG of 900 x 320 pixels of one mel spectrogram, readable on light and dark pages and on a phone.

    Args:
        log_mel: (128, T) in [0, 1] as by `audio.log_mel`; shown as -80 to +20 dB, always with the same colours.
        onsets_s: drawn as lines with a mark on top.
    """
    mel = _plain(log_mel)
    duration_s = mel.shape[-1] / MEL_FRAME_RATE_HZ
    figure = Figure(figsize=(_WIDTH_PX / _DPI, _HEIGHT_PX / _DPI), dpi=_DPI, facecolor=_GROUND)
    canvas = FigureCanvasAgg(figure)
    bottom, height = _BOTTOM_PX / _HEIGHT_PX, 1 - (_TOP_PX + _BOTTOM_PX) / _HEIGHT_PX
    axes = figure.add_axes((_LEFT_PX / _WIDTH_PX, bottom, _COLUMNS / _WIDTH_PX, height))
    image = _mel(axes, mel)
    _onsets(axes, [time_s for time_s in onsets_s if 0 <= time_s <= duration_s])
    _axes(axes, duration_s, title)
    _scale(figure, image, bottom, height)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    canvas.print_png(path, metadata={"Software": None})


def mel_pixels(log_mel: Mel, size: tuple[int, int]) -> np.ndarray:
    """The bare picture of a mel spectrogram in the same colours, without axes.

    Args:
        log_mel: (128, T) in [0, 1].
        size: (width, height) in pixels.

    Returns:
        uint8 (height, width, 3), low bands below.
    """
    mel = _loudest(_plain(log_mel), size[0])
    colours = (colormaps[_COLOURS](mel[::-1].clip(0, 1))[..., :3] * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(colours).resize(size, Image.Resampling.BILINEAR))


def _plain(mel: Mel) -> np.ndarray:
    return torch.as_tensor(mel).detach().cpu().float().numpy()


def _mel(axes: Axes, mel: np.ndarray) -> AxesImage:
    frames = mel.shape[-1]
    return axes.imshow(
        _loudest(mel, _COLUMNS) * (HIGHEST_DB - LOWEST_DB) + LOWEST_DB,
        extent=(0, frames / MEL_FRAME_RATE_HZ, -0.5, N_MELS - 0.5),
        origin="lower",
        aspect="auto",
        cmap=_COLOURS,
        vmin=LOWEST_DB,
        vmax=HIGHEST_DB,
    )


def _loudest(mel: np.ndarray, columns: int) -> np.ndarray:
    """At most so many columns: of the frames behind each the loudest, since a mean would hide single hits."""
    frames = mel.shape[-1]
    return mel if frames <= columns else np.maximum.reduceat(mel, np.arange(columns) * frames // columns, axis=1)


def _onsets(axes: Axes, onsets_s: list[float]) -> None:
    axes.vlines(onsets_s, -0.5, N_MELS - 0.5, colors=_LINE, linewidths=1.2, alpha=0.75)
    axes.plot(onsets_s, [N_MELS - 0.5] * len(onsets_s), "v", color=_LINE, mec=_GROUND, mew=0.5, ms=9, clip_on=False)


def _axes(axes: Axes, duration_s: float, title: str) -> None:
    axes.set_xlim(0, duration_s)
    axes.set_ylim(-0.5, N_MELS - 0.5)
    axes.set_yticks([band_of(hz) for hz in _TICKS_HZ], list(_TICKS_HZ.values()))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(labelsize=_TICK_PT, colors=_INK, length=4)
    axes.spines[:].set_visible(False)
    axes.set_ylabel("Hz", fontsize=_TICK_PT, color=_INK, labelpad=2)
    axes.set_xlabel("Time (s)", fontsize=_TICK_PT, color=_INK, labelpad=2)
    short = title if len(title) <= _MAX_TITLE else title[: _MAX_TITLE - 1] + "\u2026"
    # File names may hold a dollar sign, which is not mathematics.
    axes.set_title(short, loc="left", fontsize=_TITLE_PT, color=_INK, parse_math=False)


def _scale(figure: Figure, image: AxesImage, bottom: float, height: float) -> None:
    left = (_WIDTH_PX - _RIGHT_PX + 14) / _WIDTH_PX
    bar = figure.colorbar(image, cax=figure.add_axes((left, bottom, 14 / _WIDTH_PX, height)))
    bar.set_ticks([-80, -40, 0])
    bar.ax.set_title("dB", fontsize=_TICK_PT, color=_INK, pad=8)
    bar.ax.tick_params(labelsize=_TICK_PT, colors=_INK, length=4)
    bar.outline.set_visible(False)
