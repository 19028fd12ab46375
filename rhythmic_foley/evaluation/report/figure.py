"""Figure 3: the mels of one clip by several methods and by the real sound, on one axis, for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ, N_MELS, band_of, sound_mel
from rhythmic_foley.audio.mel_images import HIGHEST_DB, LOWEST_DB
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.report.folders import ClipFiles, read_sound

WIDTH_IN = 3.5  # a column of a two-column paper
FRAMES = 7
_DPI = 400
_FONT_PT = 7
_ROW_IN, _STRIP_IN, _GAP_IN = 0.62, 0.34, 0.17
_LEFT_IN, _RIGHT_IN, _TOP_IN, _BOTTOM_IN = 0.38, 0.46, 0.18, 0.29
_TICKS_HZ = {250: "0.25", 1000: "1", 4000: "4"}
_MARK = "#7fe3ff"
_CANVASES = {".png": FigureCanvasAgg, ".pdf": FigureCanvasPdf, ".svg": FigureCanvasSVG}
_METADATA = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


def mel_figure(
    sounds: Mapping[str, tuple[np.ndarray, int]],
    path: str | Path,
    *,
    onsets_s: Sequence[float] = (),
    frames: Sequence[np.ndarray] = (),
    seconds: float | None = None,
) -> Path:
    """Writes the figure as .pdf, .svg or .png.

    Args:
        sounds: waves (N,) and their rates by name, from the top down.
        onsets_s: drawn through all pictures, so that one sees who meets them.
        frames: pictures (H, W, 3) of the clip at even distances, in a strip on top.
        seconds: length of the time axis; None for the longest sound's.

    Raises:
        FoleyError: if the name of the file ends in none of these.
    """
    path = Path(path)
    if path.suffix not in _CANVASES:
        raise FoleyError(f"A figure is written as .pdf, .svg or .png, not {path.name}.")
    mels = {name: sound_mel(wave, rate_hz) for name, (wave, rate_hz) in sounds.items()}
    seconds = seconds or max(mel.shape[-1] for mel in mels.values()) / MEL_FRAME_RATE_HZ
    strip_in = _STRIP_IN + 0.05 if len(frames) else 0.0
    height_in = _TOP_IN + strip_in + len(mels) * _ROW_IN + (len(mels) - 1) * _GAP_IN + _BOTTOM_IN
    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=_DPI, facecolor="white")

    def place(top_in: float, inner_in: float, left_in: float = _LEFT_IN, right_in: float = _RIGHT_IN) -> Axes:
        box = (left_in, height_in - top_in - inner_in, WIDTH_IN - left_in - right_in, inner_in)
        return figure.add_axes((box[0] / WIDTH_IN, box[1] / height_in, box[2] / WIDTH_IN, box[3] / height_in))

    if len(frames):
        _strip(place(0.04, _STRIP_IN), frames)
    first_in = strip_in + _TOP_IN
    for row, (name, mel) in enumerate(mels.items()):
        axes = place(first_in + row * (_ROW_IN + _GAP_IN), _ROW_IN)
        image = axes.imshow(
            mel * (HIGHEST_DB - LOWEST_DB) + LOWEST_DB,
            extent=(0, mel.shape[-1] / MEL_FRAME_RATE_HZ, -0.5, N_MELS - 0.5),
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=LOWEST_DB,
            vmax=HIGHEST_DB,
            interpolation="nearest",
        )
        _style(axes, name, seconds, [t for t in onsets_s if t < seconds], last=row + 1 == len(mels))
    span_in = len(mels) * _ROW_IN + (len(mels) - 1) * _GAP_IN
    bar = figure.colorbar(image, cax=place(first_in, span_in, WIDTH_IN - _RIGHT_IN + 0.06, _RIGHT_IN - 0.12))
    bar.set_label("Level (dB)", fontsize=_FONT_PT, labelpad=1)
    bar.ax.tick_params(labelsize=_FONT_PT - 1, length=2, width=0.5, pad=1.5)
    bar.outline.set_linewidth(0.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    _CANVASES[path.suffix](figure)
    figure.savefig(path, metadata=_METADATA[path.suffix])
    return path


def _strip(axes: Axes, frames: Sequence[np.ndarray]) -> None:
    """Pictures side by side, each cut to its share of the strip."""
    axes.axis("off")
    box = axes.get_window_extent()
    share = box.width / len(frames) / box.height  # width of one picture in heights
    axes.set_xlim(0, len(frames))
    axes.set_ylim(0, 1)
    for number, frame in enumerate(frames):
        height, width = frame.shape[:2]
        wanted = min(width, round(height * share))
        left, tall = (width - wanted) // 2, min(height, round(wanted / share))
        top = (height - tall) // 2
        piece = frame[top : top + tall, left : left + wanted]
        axes.imshow(piece, extent=(number + 0.02, number + 0.98, 0, 1), aspect="auto", interpolation="antialiased")
    axes.set_xlim(0, len(frames))
    axes.set_ylim(0, 1)


def _style(axes: Axes, name: str, seconds: float, onsets_s: Sequence[float], *, last: bool) -> None:
    axes.set_facecolor("#000004")  # silence, where a sound is shorter than the axis
    axes.vlines(onsets_s, -0.5, N_MELS - 0.5, colors=_MARK, linewidths=0.45, linestyles=(0, (3, 2)))
    axes.set_xlim(0, seconds)
    axes.set_ylim(-0.5, N_MELS - 0.5)
    axes.set_yticks([float(band_of(hz)) for hz in _TICKS_HZ], list(_TICKS_HZ.values()))
    axes.tick_params(labelsize=_FONT_PT - 1, length=2, width=0.5, pad=1.5, labelbottom=last)
    axes.set_title(name, loc="left", fontsize=_FONT_PT, pad=2, parse_math=False)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
    axes.set_ylabel("kHz", fontsize=_FONT_PT, labelpad=1)
    if last:
        axes.set_xlabel("Time (s)", fontsize=_FONT_PT, labelpad=1.5)


def clip_figure(real: ClipFiles, methods: Mapping[str, ClipFiles], path: str | Path) -> Path:
    """The figure of one clip: its real sound on top, its attacks as lines, its picture as a strip.

    Raises:
        FoleyError: if a sound is missing or cannot be read.
    """
    sounds = {}
    for name, files in {"Ground truth": real, **methods}.items():
        sound = read_sound(files)
        if sound is None:
            raise FoleyError(f"{files.sound.name} has no sound to draw.")
        sounds[name] = sound
    wave, rate_hz = sounds["Ground truth"]
    frames = thumbnails(real.video, FRAMES) if real.video else ()
    onsets_s = attack_times(wave, rate_hz).times_s
    return mel_figure(sounds, path, onsets_s=onsets_s, frames=frames, seconds=len(wave) / rate_hz)


def thumbnails(video: Path, count: int, side: int = 320) -> list[np.ndarray]:
    """Pictures (H, W, 3) from the middles of `count` equal parts of a clip."""
    from rhythmic_foley.media.reading import probe, read_frames

    part_s = probe(video).duration_s / count
    frames = read_frames(video, 1 / part_s, (side, side), fit="inside", start_s=part_s / 2)
    return [picture for _, picture in frames][:count]
