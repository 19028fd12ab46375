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

from rhythmic_foley.audio import MEL_FRAME_RATE_HZ, N_MELS, band_of

LOWEST_DB, HIGHEST_DB = -80.0, 20.0
_TICKS_HZ = {250: "250 Hz", 500: "500 Hz", 1000: "1 kHz", 2000: "2 kHz", 4000: "4 kHz", 7000: "7 kHz"}
_COLOURS = "magma"
_DPI = 100
_WIDTH_PX, _ROW_PX = 900, 260
_PANEL_ROW_PX = 190
# Room around the pictures for ticks and labels, in pixels.
_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX, _GAP_PX = 62, 92, 26, 42, 28
_INK, _LINE = "#222222", "#4fd8ff"
_COLUMNS = _WIDTH_PX - _LEFT_PX - _RIGHT_PX
_MAX_TITLE = 96

Mel = np.ndarray | torch.Tensor


def mel_image(log_mel: Mel, path: str | Path, *, onsets_s: Sequence[float] = (), title: str | None = None) -> None:
    """Write a PNG of 900 x 260 pixels of one mel spectrogram.

    Args:
        log_mel: (128, T) in [0, 1] as by `audio.log_mel`; shown as -80 to +20 dB, always with the same colours.
        onsets_s: drawn as lines with a mark on top.
    """
    _draw([(title or "", log_mel)], path, onsets_s, _ROW_PX)


def mel_panel(mels: Sequence[tuple[str, Mel]], path: str | Path, onsets_s: Sequence[float] = ()) -> None:
    """Write a PNG of several mel spectrograms (title, (128, T)), stacked on one time axis and one scale."""
    if not mels:
        raise ValueError("mel_panel needs at least one mel spectrogram")
    _draw(mels, path, onsets_s, _PANEL_ROW_PX if len(mels) > 1 else _ROW_PX)


def mel_pixels(log_mel: Mel, size: tuple[int, int]) -> np.ndarray:
    """The bare picture of a mel spectrogram in the same colours, without axes.

    Args:
        log_mel: (128, T) in [0, 1].
        size: (width, height) in pixels.

    Returns:
        uint8 (height, width, 3), low bands below.
    """
    mel = _loudest(torch.as_tensor(log_mel).detach().cpu().float().numpy(), size[0])
    colours = (colormaps[_COLOURS](mel[::-1].clip(0, 1))[..., :3] * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(colours).resize(size, Image.Resampling.BILINEAR))


def _draw(mels: Sequence[tuple[str, Mel]], path: str | Path, onsets_s: Sequence[float], row_px: int) -> None:
    inner_px = row_px - _TOP_PX - (_BOTTOM_PX if len(mels) == 1 else 0)
    height_px = _TOP_PX + _BOTTOM_PX + len(mels) * inner_px + (len(mels) - 1) * _GAP_PX
    figure = Figure(figsize=(_WIDTH_PX / _DPI, height_px / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    duration_s = max(np.shape(mel)[-1] for _, mel in mels) / MEL_FRAME_RATE_HZ
    width = _COLUMNS / _WIDTH_PX
    for row, (title, mel) in enumerate(mels):
        bottom_px = height_px - _TOP_PX - inner_px - row * (inner_px + _GAP_PX)
        axes = figure.add_axes((_LEFT_PX / _WIDTH_PX, bottom_px / height_px, width, inner_px / height_px))
        image = _mel(axes, torch.as_tensor(mel).detach().cpu().float().numpy())
        _onsets(axes, [time_s for time_s in onsets_s if 0 <= time_s <= duration_s])
        _axes(axes, duration_s, title, last=row + 1 == len(mels))
    _scale(figure, image, bottom_px / height_px, 1 - (bottom_px + _TOP_PX) / height_px)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    canvas.print_png(path, metadata={"Software": None})


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
    axes.vlines(onsets_s, -0.5, N_MELS - 0.5, colors=_LINE, linewidths=0.9, alpha=0.75)
    axes.plot(onsets_s, [N_MELS - 0.5] * len(onsets_s), "v", color=_LINE, mec=_INK, mew=0.4, ms=6, clip_on=False)


def _axes(axes: Axes, duration_s: float, title: str, *, last: bool) -> None:
    axes.set_xlim(0, duration_s)
    axes.set_ylim(-0.5, N_MELS - 0.5)
    axes.set_facecolor("#e6e6e6")  # where a take is shorter than the panel
    axes.set_yticks([band_of(hz) for hz in _TICKS_HZ], list(_TICKS_HZ.values()))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(labelsize=8, colors=_INK, length=3, labelbottom=last)
    if last:
        axes.set_xlabel("Time (s)", fontsize=9, color=_INK)
    short = title if len(title) <= _MAX_TITLE else title[: _MAX_TITLE - 1] + "\u2026"
    # File names may hold a dollar sign, which is not mathematics.
    axes.set_title(short, loc="left", fontsize=10, color=_INK, parse_math=False)


def _scale(figure: Figure, image: AxesImage, bottom: float, height: float) -> None:
    """One colour bar for all rows."""
    left = (_WIDTH_PX - _RIGHT_PX + 14) / _WIDTH_PX
    bar = figure.colorbar(image, cax=figure.add_axes((left, bottom, 12 / _WIDTH_PX, height)))
    bar.set_ticks([-80, -60, -40, -20, 0, 20])
    bar.set_label("Level (dB)", fontsize=9, color=_INK)
    bar.ax.tick_params(labelsize=8, colors=_INK, length=3)
    bar.outline.set_visible(False)
