"""Read onsets that another program has marked: Audacity labels, a cue sheet, MIDI notes, and what `Onsets` reads."""

from __future__ import annotations

import re
from pathlib import Path

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.limits import MAX_JSON_MB, MAX_ONSETS
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.tables import columns_of, read_table

MIDI = (".mid", ".midi")
_LOUDEST = 127
_LABEL = re.compile(r"(-?\d+[.,]?\d*)\t(-?\d+[.,]?\d*)(?:\t(.*))?")
_STRENGTH = re.compile(r"@(\d*\.?\d+)\s*$")


def read_onset_file(path: Path) -> Onsets:
    """Onsets from a file that another program has written; its suffix says whether it is MIDI.

    Raises:
        FoleyError: if it cannot be read; it names the line that is wrong.
    """
    if path.suffix.lower() in MIDI:
        return read_midi(path)
    _check(path)
    try:
        return read_onset_text(path.read_text(encoding="utf-8"), path.name)
    except UnicodeDecodeError:
        raise FoleyError(f"{path.name} cannot be read as text; save it as UTF-8.") from None


def read_onset_text(text: str, name: str) -> Onsets:
    """Onsets from labels of Audacity, a cue sheet as `export` writes it, or whatever `Onsets.read` takes.

    Args:
        name: of the file, for sentences.

    Raises:
        FoleyError: if it is none of these.
    """
    if {"kind", "start_s"} <= set(columns_of(text)):
        hits = [row for row in read_table(text, ("kind", "start_s"), name) if row.cells["kind"] == "hit"]
        return Onsets.of([row.number_in("start_s") for row in hits], [row.number_in("strength", 1.0) for row in hits])
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line.strip() and line[0] != "\\"]
    labels = [_LABEL.fullmatch(line) for line in lines]
    return _of_labels([label for label in labels if label]) if labels and all(labels) else Onsets.read(text, name)


def _of_labels(labels: list[re.Match[str]]) -> Onsets:
    """The points, or the starts of regions where there are no points; "@0.8" at a text's end is the strength."""
    points = [label for label in labels if label[1] == label[2]] or labels
    levels = [_STRENGTH.search(label[3] or "") for label in points]
    times_s = [float(label[1].replace(",", ".")) for label in points]
    return Onsets.of(times_s, [float(level[1]) if level else 1.0 for level in levels])


def read_midi(path: Path) -> Onsets:
    """Every note of a MIDI file that begins; velocity 127 is full strength.

    Raises:
        FoleyError: if it cannot be read.
    """
    import mido

    _check(path)
    pairs, now_s = [], 0.0
    try:
        for message in mido.MidiFile(str(path), clip=True):
            now_s += message.time
            if message.type == "note_on" and message.velocity > 0:
                pairs.append((now_s, message.velocity / _LOUDEST))
    except (ValueError, TypeError, KeyError, IndexError, EOFError, ZeroDivisionError, OverflowError, OSError):
        raise FoleyError(f"{path.name} is no MIDI file that can be read.") from None
    if len(pairs) > MAX_ONSETS:
        raise FoleyError(f"{path.name} holds {len(pairs)} notes; the limit is {MAX_ONSETS}.")
    return Onsets.of([time_s for time_s, _ in pairs], [strength for _, strength in pairs])


def _check(path: Path) -> None:
    if not path.is_file():
        raise FoleyError(f"There is no file {path}.")
    if path.stat().st_size > MAX_JSON_MB * 1_000_000:
        raise FoleyError(f"{path.name} is larger than {MAX_JSON_MB} MB, too much for onsets.")
