"""Does shortening described sounds to the stretch in which something moves help? Against true onsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.describe.tightening import LEAST_PEAK, tightened
from rhythmic_foley.evaluation.given_tables import read_rows
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.values.curve import pick_onsets
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.vision.onset_detector import RATE_HZ, Seen, detect

_SIZE = (256, 256)
# A hit is taken to begin a little before its onset and to have rung out this long after it.
_BEFORE_S, _RING_S = 0.05, 0.5
_TRACK_LEVEL = 0.5


@dataclass(frozen=True)
class Watched:
    """A clip as the detector sees it, and its true onsets (N,)."""

    seen: Seen
    onsets_s: np.ndarray
    duration_s: float


Span = tuple[float, float]


def watched_clips(folder: Path, table: Path, detector: EventDetector | None) -> Iterator[Watched]:
    """The clips of a table in which sync can be judged; columns as in `video_onsets`."""
    from rhythmic_foley.evaluation.experiments.video_onsets import clip_path, onset_column

    for row in read_rows(table, ("clip", "sync_judgeable")):
        if row.cells["sync_judgeable"] != "yes":
            continue
        path = clip_path(folder, row.text("clip"))
        clip = probe(path)
        frames = read_frames(path, min(clip.fps, RATE_HZ), _SIZE, fit="inside")
        onsets_s = np.array(row.numbers(onset_column(row)))
        yield Watched(detect(frames, detector), onsets_s, clip.duration_s)


def drawn_clips(count: int, detector: EventDetector | None) -> Iterator[Watched]:
    """Clips drawn with seeds kept from training."""
    from rhythmic_foley.training.event_detector.data import TEST_SEED
    from rhythmic_foley.training.event_detector.scenes import draw_clip

    for seed in range(TEST_SEED, TEST_SEED + count):
        clip = draw_clip(seed)
        yield Watched(detect(clip.frames(), detector), np.asarray(clip.onsets_s), clip.duration_s)


def whole(clip: Watched) -> Span:
    """As it is described: from beginning to end."""
    return 0.0, clip.duration_s


def by_track(clip: Watched) -> Span:
    """Between the first and the last frame in which the detector's second track says that something sounds."""
    sounding = np.flatnonzero(clip.seen.sounding.values > _TRACK_LEVEL)
    if not len(sounding):
        return whole(clip)
    times_s = clip.seen.sounding.times_s
    return float(times_s[sounding[0]]), min(float(times_s[sounding[-1]]) + 1 / RATE_HZ, clip.duration_s)


def by_peaks(clip: Watched) -> Span:
    """As the studio does it."""
    peaks = pick_onsets(clip.seen.curve, LEAST_PEAK)
    (event,) = tightened([SoundEvent("hit")], peaks.times_s, clip.duration_s)
    return event.start_s, clip.duration_s if event.end_s is None else event.end_s


def compared(groups: dict[str, Iterable[Watched]]) -> str:
    """Markdown: for each rule the overlap with the true stretch, and the true onsets that stay inside."""
    lines = ["| clips | rule | overlap (IoU) | onsets kept | share of the clip |", "|---|---|---:|---:|---:|"]
    for name, clips in groups.items():
        seen = [clip for clip in clips if len(clip.onsets_s)]
        for rule, span_of in (("whole clip", whole), ("detector's track", by_track), ("weakest peaks", by_peaks)):
            scores = np.mean([_scores(clip, span_of(clip)) for clip in seen], axis=0)
            lines.append(f"| {name} ({len(seen)}) | {rule} | {' | '.join(f'{score:.3f}' for score in scores)} |")
    return "\n".join(lines)


def _scores(clip: Watched, span: Span) -> tuple[float, float, float]:
    """Overlap, share of onsets inside, share of the clip."""
    start_s, end_s = span
    true = max(clip.onsets_s[0] - _BEFORE_S, 0.0), min(clip.onsets_s[-1] + _RING_S, clip.duration_s)
    both = max(min(end_s, true[1]) - max(start_s, true[0]), 0.0)
    either = max(end_s, true[1]) - min(start_s, true[0])
    kept = float(np.mean((clip.onsets_s >= start_s) & (clip.onsets_s <= end_s)))
    return both / either, kept, (end_s - start_s) / clip.duration_s
