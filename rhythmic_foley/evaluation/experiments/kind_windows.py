"""What a model is asked for when a probe judges it: everyday kinds of sound, each laid at known times in a window.

A kind is a column of `sounds.csv`. Recordings of the sources that are kept for evaluation are the reference; those
of the training sources teach the probe (`metrics/probe.py`) and stand for what a sampler would play.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.sampling import Request
from rhythmic_foley.training.batches import WINDOW_S
from rhythmic_foley.training.library import load_sound, sound_path
from rhythmic_foley.training.wordings import kept_wording
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

MIN_SOURCES = 3
_HIT_MAX_S = 2.5  # a longer recording goes on through the window instead of being hit again and again
_MOST_HITS = 6
_MIN_GAP_S = 0.35
_FADE_S = 0.25  # of the joint where a recording begins again
_SAMPLES = round(WINDOW_S * SAMPLE_RATE_HZ)


@dataclass(frozen=True)
class Recording:
    """A row of `sounds.csv` that has a kind.

    Attributes:
        path: of the file.
        source: the package that it comes from.
        held_out: whether the source is kept for evaluation.
    """

    id: str
    path: Path
    kind: str
    caption: str
    source: str
    held_out: bool


@dataclass(frozen=True)
class Case:
    """One window to judge.

    Attributes:
        recording: what is laid in the real window, and whose caption the model is asked for.
        wording: other words for the same.
        start_s, end_s: when it sounds, in seconds from the window's beginning.
        onsets: when it hits; none for a sound that goes on.
        seed: of the model's noise.
    """

    recording: Recording
    wording: str
    start_s: float
    end_s: float
    onsets: Onsets
    seed: int

    @property
    def goes_on(self) -> bool:
        return not len(self.onsets)

    def request(self, text: str) -> Request:
        """What a model is asked for, in these words."""
        return Request((SoundEvent(text, start_s=self.start_s, end_s=self.end_s),), self.onsets, self.seed)


def everyday_recordings(table: Path) -> list[Recording]:
    """Recordings of the kinds that have enough sources, one of them at least kept for evaluation.

    Raises:
        FoleyError: if the table has no column `kind` or `split`, or no kind is left.
    """
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"kind", "split"} <= rows[0].keys():
        raise FoleyError(f"{table.name} needs the columns kind and split to judge what is recognised.")
    found = [
        Recording(r["id"], sound_path(table, r), r["kind"], r["caption"].strip(), r["package"], r["split"] == "eval")
        for r in rows
        if r["kind"]
    ]
    sources: dict[str, set[tuple[str, bool]]] = {}
    for recording in found:
        sources.setdefault(recording.kind, set()).add((recording.source, recording.held_out))
    kinds = {
        kind
        for kind, members in sources.items()
        if len(members) >= MIN_SOURCES and {held_out for _, held_out in members} == {True, False}
    }
    if len(kinds) < 2:
        raise FoleyError(f"{table.name} has fewer than two kinds of sound with {MIN_SOURCES} sources each.")
    return [recording for recording in found if recording.kind in kinds]


def choose(recordings: Sequence[Recording], each: int, *, held_out: bool, seed: int = 0) -> list[Recording]:
    """At most so many recordings of each kind, from as many sources as possible; fewer are the first of more."""
    rng = np.random.default_rng(seed)
    pool: dict[str, dict[str, list[Recording]]] = {}
    for index in rng.permutation(len(recordings)):
        recording = recordings[index]
        if recording.held_out == held_out:
            pool.setdefault(recording.kind, {}).setdefault(recording.source, []).append(recording)
    chosen = []
    for kind in sorted(pool):
        sources = list(pool[kind].values())
        turns = [members[turn] for turn in range(max(map(len, sources))) for members in sources if turn < len(members)]
        chosen += turns[:each]
    return chosen


def case_of(recording: Recording, seed: int) -> tuple[Case, np.ndarray]:
    """A case for a recording, and its real window (131072,) at 16 kHz.

    Hits come one to six times, at random; what is longer than 2.5 s begins once and goes on to the window's end.
    """
    rng = np.random.default_rng((seed, *recording.id.encode()))
    sound = load_sound(recording.path)
    wording = kept_wording(recording.caption) or recording.kind.split(",")[0]
    if sound.duration_s > _HIT_MAX_S:
        start_s, end_s, onsets = float(rng.uniform(0, 1)), WINDOW_S, Onsets()
    else:
        gap_s = max(_MIN_GAP_S, float(rng.uniform(0.6, 1.2)) * sound.duration_s)
        most = int(min(_MOST_HITS, (WINDOW_S - 0.6) // gap_s))
        count = int(rng.integers(1, most + 1))
        slack_s = WINDOW_S - 0.6 - gap_s * (count - 1)
        onsets = Onsets.of(0.1 + np.sort(rng.uniform(0, slack_s, count)) + gap_s * np.arange(count))
        start_s, end_s = onsets.times_s[0], min(WINDOW_S, onsets.times_s[-1] + sound.duration_s)
    case = Case(recording, wording, start_s, end_s, onsets, int(rng.integers(1 << 30)))
    return case, lay(recording, case)


def lay(recording: Recording, case: Case) -> np.ndarray:
    """A recording laid where the case wants it, (131072,) at 16 kHz with its peak at 1: what a sampler would play."""
    sound = load_sound(recording.path)
    window = np.zeros(_SAMPLES, np.float32)
    if case.goes_on:
        _go_on(window, sound.wave, case.start_s)
    else:
        lead_s = sound.attacks.times_s[0] if len(sound.attacks) else 0.0
        for time_s in case.onsets.times_s:
            _add(window, sound.wave, round((time_s - lead_s) * SAMPLE_RATE_HZ))
    return window / max(float(np.abs(window).max()), 1e-4)


def _go_on(window: np.ndarray, wave: np.ndarray, start_s: float) -> None:
    """Lays the sound again and again up to the window's end, with crossfaded joints."""
    fade = min(round(_FADE_S * SAMPLE_RATE_HZ), len(wave) // 4)
    piece = wave.copy()
    piece[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    place = round(start_s * SAMPLE_RATE_HZ)
    while place < len(window):
        _add(window, piece, place)
        place += len(piece) - fade
        if place > start_s * SAMPLE_RATE_HZ:
            piece = piece.copy()
            piece[:fade] = wave[:fade] * np.linspace(0, 1, fade, dtype=np.float32)


def _add(window: np.ndarray, wave: np.ndarray, place: int) -> None:
    wave = wave[max(0, -place) :]
    place = max(0, place)
    stop = min(len(window), place + len(wave))
    if stop > place:
        window[place:stop] += wave[: stop - place]
