"""The report of a whole run as one HTML page: tables, the figure, and each clip by each method to see and hear."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from rhythmic_foley.audio.mel import sound_mel
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.report.figure import thumbnails
from rhythmic_foley.evaluation.report.folders import ClipFiles, find_clips, first_samples, read_sound
from rhythmic_foley.evaluation.report.page import (
    grid,
    heading,
    paragraph,
    sentences,
    sound_card,
    table,
    write_page,
)
from rhythmic_foley.evaluation.report.paper_tables import PaperTable
from rhythmic_foley.evaluation.report.tables import AHEAD, COUNTS, UNSEEN, Row

_STRIP_FRAMES, _STRIP_PX = 8, 160
_SHOWN = {"onset_detection_acc": "onsets", "onset_ap_strict": "AP strict", "visqol": "ViSQOL"}


def write_run_page(
    path: str | Path,
    tables: Sequence[PaperTable],
    real: Path,
    methods: Mapping[str, Path],
    *,
    figure: Path | None = None,
    lead: str = "",
) -> Path:
    """Writes the page.

    Args:
        tables: of the run.
        real: folder of the real clips.
        methods: folder of each method's clips by the name of its row. Of several samples the first is shown.
        figure: a PNG to show below the tables.
        lead: a paragraph at the top.
    """
    originals = find_clips(real)
    made = {method: first_samples(originals, find_clips(folder)) for method, folder in methods.items()}
    rows = {row.method: row for item in tables for row in item.report.rows}
    parts = [paragraph(lead)] if lead else []
    for item in tables:
        parts += [heading(f"Table {item.number}: {item.title}"), table(item.report)]
        if (ahead := item.report.advantages()).rows:
            parts += [paragraph(AHEAD), table(ahead)]
    parts.append(sentences(_remarks(tables)))
    if figure is not None:
        data = base64.b64encode(figure.read_bytes()).decode("ascii")
        parts += [
            heading("Figure 3: mels of one clip"),
            f'<img class="figure" alt="Mels of one clip by method" src="data:image/png;base64,{data}">',
        ]
    shown = [clip for clip in originals if any(clip in clips for clips in made.values())]
    if shown:
        parts += [heading("Clips"), paragraph("Blue marks: where the real sound hits. A click plays from there.")]
    for clip in shown:
        parts += _clip(clip, originals[clip], {m: clips[clip] for m, clips in made.items() if clip in clips}, rows)
    return write_page(path, "Evaluation", parts)


def _remarks(tables: Sequence[PaperTable]) -> list[str]:
    """What is left out, and what was met in each row."""
    said = ["Below each number: 95 % bootstrap interval over clips.", UNSEEN]
    said += [sentence for item in tables for sentence in (*item.report.blind_spots(), *item.report.left_out)]
    for row in (row for item in tables for row in item.report.rows):
        said += [f"{row.method}: {count} {COUNTS[name]}." for name, count in row.counts.items()]
    return said


def _clip(clip: str, real: ClipFiles, made: Mapping[str, ClipFiles], rows: Mapping[str, Row]) -> list[str]:
    original = _read(real)
    onsets_s = attack_times(*original).times_s if original else ()
    cards = [_card("real", original, "", onsets_s)] if original else []
    for method, files in made.items():
        sound = _read(files)
        if sound is not None:
            cards.append(_card(method, sound, _note(rows.get(method), clip), onsets_s))
    return [f'<h3 class="clip">{escape(clip)}</h3>', _strip(real.video), grid(cards)]


def _read(files: ClipFiles) -> tuple[np.ndarray, int] | None:
    try:
        return read_sound(files)
    except FoleyError:
        return None


def _card(label: str, sound: tuple[np.ndarray, int], note: str, onsets_s: Sequence[float]) -> str:
    return sound_card(label, *sound, sound_mel(*sound), note=note, onsets_s=onsets_s)


def _note(row: Row | None, clip: str) -> str:
    """Some numbers of this clip's first sample."""
    found = next((scores for scores in row.clips if scores["clip"] == clip), {}) if row else {}
    return ", ".join(f"{name} {found[key]:.2f}" for key, name in _SHOWN.items() if key in found)


def _strip(video: Path | None) -> str:
    """The clip's picture at even distances, as one embedded JPEG."""
    if video is None:
        return ""
    try:
        pictures = thumbnails(video, _STRIP_FRAMES, _STRIP_PX)
    except FoleyError:
        return ""
    out = io.BytesIO()
    Image.fromarray(np.concatenate(pictures, axis=1)).save(out, "JPEG", quality=75)
    data = base64.b64encode(out.getvalue()).decode("ascii")
    return f'<img class="strip" alt="Pictures of the clip" src="data:image/jpeg;base64,{data}">'
