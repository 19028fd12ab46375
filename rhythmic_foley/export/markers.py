"""Sounds and hits as lists that other programs read: Audacity labels, a cue sheet with timecode, MIDI notes."""

from __future__ import annotations

import csv
import io

from rhythmic_foley.export.spotting import Spotting

_TICKS_PER_BEAT, _BEAT_S = 960, 0.5  # a tick is about half a millisecond
_NOTE, _NOTE_S = 60, 0.05
_LOUDEST = 127
CUE_COLUMNS = ("kind", "timecode_in", "timecode_out", "start_s", "end_s", "sound", "detail", "strength")


def audacity_labels(spotting: Spotting) -> str:
    """A label track: a region for each sound, a point for each hit, whose text ends in its strength ("hit @0.8")."""
    regions = [(event.start_s, event.end_s, event.text) for event in spotting.events]
    points = [
        (time_s, time_s, f"{spotting.label_at(time_s)} @{strength:g}")
        for time_s, strength in zip(spotting.onsets.times_s, spotting.onsets.strengths, strict=True)
    ]
    rows = sorted(regions + points, key=lambda row: row[:2])
    return "".join(f"{start_s:.6f}\t{end_s:.6f}\t{' '.join(text.split())}\n" for start_s, end_s, text in rows)


def cue_sheet(spotting: Spotting) -> str:
    """A CSV table of sounds and hits with timecode in and out; out is the first frame after it."""
    start = spotting.start
    rows = [
        (event.start_s, ("sound", start.at(event.start_s), start.until(event.end_s)), event.end_s)
        + ((event.label, event.detail, ""),)
        for event in spotting.events
    ]
    for time_s, strength in zip(spotting.onsets.times_s, spotting.onsets.strengths, strict=True):
        shown = start.at(time_s)
        rows.append(
            (time_s, ("hit", shown, shown.following), time_s, (spotting.label_at(time_s), "", f"{strength:g}"))
        )
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(CUE_COLUMNS)
    for start_s, where, end_s, what in sorted(rows, key=lambda row: (row[0], row[2])):
        table.writerow([*where, f"{start_s:.6f}", f"{end_s:.6f}", *what])
    return text.getvalue()


def midi_notes(spotting: Spotting) -> bytes:
    """A MIDI file with a note for each hit; its velocity is the strength."""
    import mido

    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=round(_BEAT_S * 1e6))])
    track.append(mido.MetaMessage("track_name", name=spotting.name.encode("ascii", "replace").decode()))
    changes = []
    for time_s, strength in zip(spotting.onsets.times_s, spotting.onsets.strengths, strict=True):
        velocity = max(1, round(_LOUDEST * strength))
        changes += [(_tick(time_s), 1, velocity), (_tick(time_s + _NOTE_S), 0, 0)]
    now = 0
    for tick, starts, velocity in sorted(changes):
        name = "note_on" if starts else "note_off"
        track.append(mido.Message(name, note=_NOTE, velocity=velocity, time=tick - now))
        now = tick
    out = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_BEAT, tracks=[track]).save(file=out)
    return out.getvalue()


def _tick(time_s: float) -> int:
    return round(time_s / _BEAT_S * _TICKS_PER_BEAT)
