"""Real film with its own sound as clips to train on: the sound says when something starts and while something sounds.

A folder of film holds `clips/*.mp4` and `clips.csv` with `clip`, `onsets_s`, `sync_judgeable` (onsets are learnt only
where it says "yes": what sounds can be seen), `split_key` (clips that share it are of one recording and stay on one
side in cross-validation; what stands before its first "_" is the source) and `path`, the file a clip was cut from.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe, read_audio, read_frames
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.training.event_detector.data import FILM, Example, across, motion_at, onset_target
from rhythmic_foley.vision.motion import steps
from rhythmic_foley.vision.onset_detector import RATE_HZ, features

_SIZE = (256, 256)
_SOUND_RATE_HZ = 16_000
_LEVEL_S = 0.05  # over which the level of a sound is taken
# Something sounds where the level lies at most so far below the loudest, and this share of the range above the floor.
_BELOW_DB, _ABOVE_SHARE, _LEAST_RANGE_DB, _SILENCE_DB = 25.0, 0.35, 8.0, -70.0
_PAUSE_FRAMES = 9  # shorter pauses still sound
_SHIFTS_S = np.arange(-18, 19) / 60  # offsets of a file's sound that are tried
_BELL_S = 0.04
_LEAST_CORRELATION, _LEAST_GAIN, _SHIFT_COST = 0.25, 0.02, 0.25


@dataclass(frozen=True)
class Recorded:
    """A clip of film.

    Attributes:
        recording: what must stay on one side in cross-validation; `source`: where it comes from; `file`: the file that
            it was cut from, whose pieces share the offset of their sound.
        judgeable: whether what sounds can be seen, so that onsets can be learnt and judged.
        example: its features and targets.
    """

    name: str
    recording: str
    source: str
    file: str
    judgeable: bool
    example: Example


def read_film(folder: Path, kept: Path) -> list[Recorded]:
    """The clips of a folder of film; their features are kept in the folder `kept`.

    Raises:
        FoleyError: if there is no such table, or a column is missing.
    """
    table = folder / "clips.csv"
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.DictReader(stream))
        return [_recorded(folder, line, kept) for line in lines]
    except (OSError, KeyError, ValueError) as error:
        raise FoleyError(f"The film's table {table} cannot be read: {error}.") from error


def _recorded(folder: Path, line: dict[str, str], kept: Path) -> Recorded:
    path = folder / "clips" / f"{line['clip']}.mp4"
    judgeable = line["sync_judgeable"] == "yes"
    onsets_s = np.array([float(time_s) for time_s in line["onsets_s"].split()])
    stored = kept / f"{line['clip']}.npz"
    if not stored.exists():
        kept.mkdir(parents=True, exist_ok=True)
        np.savez(stored, **_look(path))
    with np.load(stored) as look:
        grids, clips, motion, sounding, known = (
            look[name] for name in ("grids", "clips", "motion", "sounding", "known")
        )
    times_s = np.arange(len(grids)) / RATE_HZ
    example = Example(
        grids=grids,
        clips=clips,
        motion=motion,
        targets=np.stack([onset_target(times_s, onsets_s), sounding], axis=1),
        weights=np.stack([np.full(len(grids), float(judgeable)), known], axis=1).astype(np.float32),
        onsets_s=onsets_s,
        unclear_s=np.zeros((0, 2)),
        kind=np.array(FILM),
    )
    recording, file = line["split_key"], line.get("path") or path.name
    return Recorded(line["clip"], recording, recording.split("_")[0], file, judgeable, example)


def _look(path: Path) -> dict[str, np.ndarray]:
    """Features of a clip, and where it sounds."""
    found = list(steps(read_frames(path, min(probe(path).fps, RATE_HZ), _SIZE, fit="inside")))
    if not found:
        raise FoleyError(f"{path.name} shows a single picture; leave it out of the film.")
    read = features(found)
    grids, clips = across(read.grids, read.clips)
    motion = motion_at(found, np.arange(len(grids)) / RATE_HZ)
    wave = read_audio(path, _SOUND_RATE_HZ)
    sounding = np.zeros(0, np.float32) if wave is None else sounding_track(wave, _SOUND_RATE_HZ)[: len(grids)]
    missing = (0, len(grids) - len(sounding))
    known = np.pad(np.ones(len(sounding), np.float32), missing)
    return {
        "grids": grids.astype(np.float16),
        "clips": clips.astype(np.float16),
        "motion": motion,
        "sounding": np.pad(sounding, missing),
        "known": known,
    }


def sounding_track(wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """(T,) float32, `RATE_HZ` times a second: 1 while something sounds, 0 in pauses, by the level of a sound (N,)."""
    from scipy.ndimage import binary_closing

    energy = np.square(np.asarray(wave, dtype=np.float64))
    total = np.concatenate([[0.0], np.cumsum(energy)])
    middles = np.arange(int(len(energy) / sample_rate_hz * RATE_HZ) + 1) * sample_rate_hz / RATE_HZ
    half = _LEVEL_S / 2 * sample_rate_hz
    starts, ends = (np.clip(middles + edge, 0, len(energy)).astype(int) for edge in (-half, half))
    level_db = 10 * np.log10((total[ends] - total[starts]) / np.maximum(ends - starts, 1) + 1e-9)
    floor_db, loud_db = np.quantile(level_db, (0.1, 0.98))
    if loud_db < _SILENCE_DB or loud_db - floor_db < _LEAST_RANGE_DB:
        return np.full(len(level_db), loud_db >= _SILENCE_DB, np.float32)
    loud = level_db > max(loud_db - _BELOW_DB, floor_db + _ABOVE_SHARE * (loud_db - floor_db))
    closed = binary_closing(np.pad(loud, _PAUSE_FRAMES, mode="edge"), np.ones(_PAUSE_FRAMES))
    return closed[_PAUSE_FRAMES:-_PAUSE_FRAMES].astype(np.float32)


def with_offsets(film: Sequence[Recorded], detector: EventDetector) -> list[Recorded]:
    """The clips with onset targets moved by the constant offset of their file's sound, where that stands out.

    The offset is the shift at which the attacks agree best with what a detector that has not seen the film says.
    """
    from rhythmic_foley.training.event_detector.fit import proposal

    files: dict[str, list[Recorded]] = {}
    for item in film:
        if item.judgeable and len(item.example.onsets_s):
            files.setdefault(item.file, []).append(item)
    offsets_s = {
        file: offset_of([(proposal(detector, item.example), item.example.onsets_s) for item in members])
        for file, members in files.items()
    }
    return [_moved(item, offsets_s.get(item.file, 0.0)) for item in film]


def offset_of(pieces: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """How much later than their attacks contacts are seen in a file, in seconds; 0 where no offset stands out.

    Args:
        pieces: of the file: a curve (T,) `RATE_HZ` times a second, and the attacks (k,) in seconds.
    """
    agreement = np.mean([_agreement(curve, onsets_s) for curve, onsets_s in pieces], axis=0)
    best = int(np.argmax(agreement - _SHIFT_COST * np.abs(_SHIFTS_S)))
    gain = agreement[best] - agreement[len(_SHIFTS_S) // 2]
    stands_out = agreement[best] >= _LEAST_CORRELATION and gain > _LEAST_GAIN
    return float(_SHIFTS_S[best]) if stands_out else 0.0


def _agreement(curve: np.ndarray, onsets_s: np.ndarray) -> np.ndarray:
    """Correlation of a curve with bells at the attacks, for every shift."""
    times_s = np.arange(len(curve)) / RATE_HZ
    values = curve - curve.mean()
    found = []
    for shift_s in _SHIFTS_S:
        apart_s = np.abs(times_s[:, None] - onsets_s - shift_s).min(axis=1)
        bells = np.exp(-0.5 * (apart_s / _BELL_S) ** 2)
        bells -= bells.mean()
        found.append((bells @ values) / np.sqrt((bells @ bells) * (values @ values) + 1e-9))
    return np.array(found)


def _moved(item: Recorded, offset_s: float) -> Recorded:
    example, times_s = item.example, np.arange(len(item.example.targets)) / RATE_HZ
    targets = np.stack([onset_target(times_s, example.onsets_s + offset_s), example.targets[:, 1]], axis=1)
    return replace(item, example=replace(example, targets=targets))
