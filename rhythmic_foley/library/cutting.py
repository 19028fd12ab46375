"""Cut a recording into hits and stretches: where each starts, strikes and ends."""

from __future__ import annotations

import numpy as np

from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.library.sample import HIT, STRETCH, Cut

_FRAME_S = 0.01
_RANGE_DB = 40.0  # what lies this far below the loudest is silence
_GAP_S = 0.08  # hits are told apart by so much silence
_QUIETEST_HIT_DB = 18.0  # below the loudest; quieter ones are handling noise
_SHORTEST_S = 0.015
_LONG_S = 1.8  # only what lasts longer can be a stretch
_STEADY_DB = 15.0  # a stretch stays within this of its usual level ...
_STEADY_SHARE = 0.7  # ... for so much of its time
_RISE_DB = 6.0  # a tail that grows again by more than this is no decay
MOST_HITS = 16


def cut_recording(wave: np.ndarray, sample_rate_hz: int, use: str | None = None) -> tuple[Cut, ...]:
    """Find the hits and stretches of a recording; none in silence.

    Hits are parted by silence. What lasts long at a steady level is a stretch.

    Args:
        wave: (N,) mono.
        use: `HIT` or `STRETCH` where it is known; None finds out.
    """
    level_db = _levels_db(wave, sample_rate_hz)
    if not len(level_db) or level_db.max() < -70:
        return ()
    spans = _loud_spans(level_db)
    if use == STRETCH:
        spans = [(spans[0][0], spans[-1][1])]
    elif use is None and _steady(level_db[spans[0][0] : spans[-1][1]]):
        spans, use = [(spans[0][0], spans[-1][1])], STRETCH
    attacks_s = np.asarray(attack_times(wave, sample_rate_hz).times_s)
    cuts = []
    for start, end in spans:
        if use is None and _steady(level_db[start:end]) or use == STRETCH:
            cuts.append(_stretch(level_db, start, end))
        elif level_db[start:end].max() > level_db.max() - _QUIETEST_HIT_DB:
            cuts.append(_hit(level_db, start, end, attacks_s))
    return tuple(cut for cut in cuts if cut.end_s - cut.attack_s >= _SHORTEST_S)[:MOST_HITS]


def _levels_db(wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Mean power of each 10 ms in dB. Returns (frames,); the last frame may be filled with silence."""
    size = max(1, round(_FRAME_S * sample_rate_hz))
    frames = np.pad(np.square(wave, dtype=np.float64), (0, -len(wave) % size)).reshape(-1, size)
    return 10 * np.log10(frames.mean(axis=1) + 1e-12)


def _loud_spans(level_db: np.ndarray) -> list[tuple[int, int]]:
    """Spans of frames (start, end) that are parted by silence."""
    loud = np.flatnonzero(level_db > level_db.max() - _RANGE_DB)
    gaps = np.flatnonzero(np.diff(loud) > round(_GAP_S / _FRAME_S))
    starts, ends = loud[np.r_[0, gaps + 1]], loud[np.r_[gaps, len(loud) - 1]] + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _steady(level_db: np.ndarray) -> bool:
    """Whether a span goes on at about one level, unlike a hit and its tail."""
    if len(level_db) * _FRAME_S < _LONG_S:
        return False
    usual_db = np.percentile(level_db, 90)
    halves = np.array_split(level_db > usual_db - _STEADY_DB, 2)
    return all(half.mean() >= _STEADY_SHARE for half in halves)


def _hit(level_db: np.ndarray, start: int, end: int, attacks_s: np.ndarray) -> Cut:
    begin_s, end_s = start * _FRAME_S, end * _FRAME_S
    inside = attacks_s[(attacks_s >= begin_s - _FRAME_S) & (attacks_s < end_s)]
    attack_s = float(inside[0]) if len(inside) else begin_s
    peak = start + int(level_db[start:end].argmax())
    return Cut(
        HIT,
        start_s=round(min(begin_s, attack_s), 5),
        attack_s=round(attack_s, 5),
        end_s=round(end_s, 5),
        level_db=round(float(level_db[start:end].max()), 2),
        rings=_decays(level_db[peak:end]),
    )


def _stretch(level_db: np.ndarray, start: int, end: int) -> Cut:
    """The steady part lies between the first and the last frame near the usual level."""
    span_db = level_db[start:end]
    near = np.flatnonzero(span_db > np.median(span_db) - 6.0)
    return Cut(
        STRETCH,
        start_s=round(start * _FRAME_S, 5),
        attack_s=round((start + int(near[0])) * _FRAME_S, 5),
        end_s=round((start + int(near[-1]) + 1) * _FRAME_S, 5),
        level_db=round(float(span_db.max()), 2),
        rings=False,
    )


def _decays(level_db: np.ndarray) -> bool:
    """Whether the level only falls from the peak on, as in a bell; a voice or a scrape comes and goes."""
    smooth = np.convolve(np.pad(level_db, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    lowest = np.minimum.accumulate(smooth)
    audible = smooth > smooth[0] - 30.0
    return not bool(np.any(audible & (smooth - lowest > _RISE_DB)))
