"""Pages that stand alone: tables, mel pictures and players in one HTML file that can be sent by mail."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path

import numpy as np
import soundfile
from matplotlib import colormaps
from PIL import Image

from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ, band_of
from rhythmic_foley.evaluation.report.tables import Column, Estimate, Report, Row

_COLOURS = "magma"  # as in the app's pictures
_MAX_FRAMES = 800  # wider pictures are narrowed, each column keeping the loudest of its frames
_HEADROOM = 0.99
_TICKS_HZ = (250, 1000, 4000)


def write_page(path: str | Path, title: str, parts: Sequence[str]) -> Path:
    """Writes a page of a title and HTML parts; nothing is fetched from anywhere when it is opened."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    style, script = (
        resources.files(__package__).joinpath(f"page.{kind}").read_text("utf-8") for kind in ("css", "js")
    )
    path.write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n<body><main>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(parts)
        + f"\n</main>\n<script>\n{script}</script>\n</body></html>\n",
        encoding="utf-8",
    )
    return path


def paragraph(text: str) -> str:
    """Plain text as a paragraph."""
    return f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Plain text as the head of a section."""
    return f"<h2>{escape(text)}</h2>"


def grid(cards: Sequence[str]) -> str:
    """Cards side by side as far as there is room."""
    return '<div class="grid">' + "".join(cards) + "</div>"


def sound_card(
    label: str,
    wave: np.ndarray,
    sample_rate_hz: int,
    mel: np.ndarray,
    *,
    note: str = "",
    onsets_s: Sequence[float] = (),
) -> str:
    """A sound to see and hear: mel picture with onsets and a playhead, and a player.

    Args:
        wave: (samples,); scaled down if it would clip.
        mel: (128, frames) in [0, 1].
        note: small print beside the label.
        onsets_s: marked on the picture.
    """
    seconds = mel.shape[-1] / MEL_FRAME_RATE_HZ
    marks = "".join(f'<i style="left:{100 * t / seconds:.2f}%"></i>' for t in onsets_s if t < seconds)
    ticks = "".join(
        f'<b style="bottom:{100 * (float(band_of(hz)) + 0.5) / len(mel):.1f}%">{_short_hz(hz)}</b>' for hz in _TICKS_HZ
    )
    small = f"<small>{escape(note)}</small>" if note else ""
    return (
        f'<figure data-seconds="{seconds:.3f}"><figcaption><span>{escape(label)}</span>{small}</figcaption>'
        f'<div class="mel"><img alt="Mel of {escape(label)}" src="{mel_uri(mel)}">{marks}{ticks}<u></u></div>'
        f'<audio controls preload="metadata" src="{sound_uri(wave, sample_rate_hz)}"></audio></figure>'
    )


def _short_hz(hz: int) -> str:
    return f"{hz // 1000}k" if hz >= 1000 else str(hz)


def mel_uri(mel: np.ndarray) -> str:
    """The picture of (128, frames) in [0, 1], low bands below, as the address of an embedded PNG."""
    frames = mel.shape[-1]
    if frames > _MAX_FRAMES:
        mel = np.maximum.reduceat(mel, np.arange(_MAX_FRAMES) * frames // _MAX_FRAMES, axis=1)
    picture = Image.fromarray((mel[::-1].clip(0, 1) * 255).round().astype(np.uint8))
    picture.putpalette((colormaps[_COLOURS](np.arange(256))[:, :3] * 255).round().astype(np.uint8).tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return _uri("image/png", out.getvalue())


def sound_uri(wave: np.ndarray, sample_rate_hz: int) -> str:
    """(samples,) as the address of an embedded FLAC: unlike MP3 it does not shift the hits."""
    wave = wave * min(1.0, _HEADROOM / max(float(np.abs(wave).max(initial=0.0)), 1e-9))
    out = io.BytesIO()
    soundfile.write(out, wave, sample_rate_hz, format="FLAC", subtype="PCM_16")
    return _uri("audio/flac", out.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def table(report: Report) -> str:
    """A report's table with the intervals below the numbers."""
    heads = "".join(
        f"<th>{escape(column.head)} {'↑' if column.higher_is_better else '↓'}</th>" for column in report.columns
    )
    rows = "".join(
        f"<tr><th>{escape(row.method)}<small>{row.pairs} pairs</small></th>"
        + "".join(_cell(row, column) for column in report.columns)
        + "</tr>"
        for row in report.rows
    )
    return f'<div class="scroll"><table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def sentences(lines: Sequence[str]) -> str:
    """A list of remarks, each once."""
    items = "".join(f"<li>{escape(line)}</li>" for line in dict.fromkeys(lines))
    return f"<ul>{items}</ul>" if items else ""


def _cell(row: Row, column: Column) -> str:
    estimate: Estimate | None = row.estimates.get(column.key)
    if estimate is None:
        return "<td></td>"
    decimals = column.decimals
    if not row.says(column):
        return f"<td>({estimate.value:.{decimals}f})</td>"
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f"<small>{estimate.low:.{decimals}f} – {estimate.high:.{decimals}f}</small>"
    return f"<td>{estimate.value:.{decimals}f}{interval}</td>"
