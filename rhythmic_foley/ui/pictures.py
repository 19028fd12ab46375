"""Small pieces of HTML that the page shows: facts of a clip, progress, the onset strip. Every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from rhythmic_foley.events import UNKNOWN

if TYPE_CHECKING:
    from rhythmic_foley.media import ClipInfo
    from rhythmic_foley.studio import Analysis, Progress, Take

_STRIP_COLUMNS = 800
_TICK_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120)


def said(sentence: str, *, trouble: bool = False) -> str:
    """One sentence to the person, quiet or as trouble."""
    return f'<p class="rf-said{" rf-trouble" if trouble else ""}" role="status">{escape(sentence)}</p>'


def clip_facts(clip: ClipInfo) -> str:
    """What the file is, as a definition list."""
    rate = f"{clip.fps:.3f}".rstrip("0").rstrip(".") + " pictures a second"
    turned = f", turned by {clip.rotation}°" if clip.rotation else ""
    sound = f"yes, {clip.audio_rate_hz / 1000:g} kHz" if clip.has_audio and clip.audio_rate_hz else "none"
    facts = {
        "Length": f"{clip.duration_s:.2f} s",
        "Rate": rate + (" (variable)" if clip.variable_rate else ""),
        "Size": f"{clip.width} × {clip.height}{turned}",
        "Coding": f"{clip.codec} in {clip.container}",
        "Own sound": sound,
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f'<dl class="rf-facts">{rows}</dl>'


def progress_bar(progress: Progress) -> str:
    """A bar, what is being done and about how long it will still take."""
    left = "" if progress.eta_s is None else f" · about {max(1, round(progress.eta_s))} s left"
    message = escape(progress.message) + left
    return (
        f'<div class="rf-progress" role="status"><progress max="1" value="{progress.fraction:.3f}" '
        f'aria-label="Progress"></progress><span class="rf-quiet">{message}</span></div>'
    )


def describer_line(analysis: Analysis) -> str:
    """Who described the clip and how sure it was of each sound."""
    sounds = "; ".join(
        f"not sure enough to say (best guess {event.confidence:.0%} sure)"
        if event.label == UNKNOWN
        else f"{event.text} ({event.confidence:.0%} sure)"
        for event in analysis.events
    )
    return said(" ".join([f"Describer {analysis.describer}: {sounds or 'no sounds'}.", *analysis.notes]))


def take_facts(take: Take) -> str:
    """How well the take keeps time, its seed, and what had to be done differently."""
    facts = {"Onsets hit": hit_rate(take), "Seed": str(take.seed)}
    if take.notes:
        facts["Notes"] = " ".join(take.notes)
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f'<dl class="rf-facts">{rows}</dl>'


def hit_rate(take: Take) -> str:
    """Measured hits in words."""
    match = take.measured
    if match is None or not match.wanted:
        return "none were asked for"
    off = f", {1000 * match.mean_error_s:.0f} ms off on average" if match.hits else ""
    return f"{match.hits} of {match.wanted} ({match.recall:.0%}){off}"


def onset_strip(analysis: Analysis, onsets_s: Sequence[float], threshold: float) -> str:
    """The motion curve over time with its threshold and the wanted onsets, as inline SVG.

    Args:
        onsets_s: wanted onsets in seconds.
        threshold: 0..1, drawn as a dashed line.
    """
    duration_s = max(analysis.clip.duration_s, 1e-3)
    marks = "".join(
        f'<line class="onset" x1="{x:.2f}" x2="{x:.2f}" y1="0" y2="100"/>'
        for x in (1000 * time_s / duration_s for time_s in onsets_s if time_s <= duration_s)
    )
    level = 100 - 96 * min(max(threshold, 0.0), 1.0)
    listed = ", ".join(f"{time_s:.2f}" for time_s in onsets_s) or "none"
    return (
        '<div class="rf-strip"><svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" '
        f'aria-label="Movement over {duration_s:.1f} seconds; onsets at {listed}">'
        f'<path class="curve" d="{_curve_path(analysis, duration_s)}"/>'
        f'<line class="threshold" x1="0" x2="1000" y1="{level:.1f}" y2="{level:.1f}"/>{marks}</svg>'
        f'<div class="times">{_ticks(duration_s)}</div></div>'
    )


def _curve_path(analysis: Analysis, duration_s: float) -> str:
    """The curve's outline; of a long clip only the highest value of each column, so that no peak is lost."""
    times_s, values = np.asarray(analysis.curve.times_s), np.asarray(analysis.curve.values)
    if not len(times_s):
        return "M0 100L1000 100"
    pieces = np.array_split(np.arange(len(times_s)), min(len(times_s), _STRIP_COLUMNS))
    peaks = [piece[np.argmax(values[piece])] for piece in pieces]
    points = [f"{1000 * times_s[i] / duration_s:.1f} {100 - 96 * values[i]:.1f}" for i in peaks]
    first, last = points[0].split()[0], points[-1].split()[0]
    return f"M{first} 100L{'L'.join(points)}L{last} 100"


def _ticks(duration_s: float) -> str:
    step_s = next((step for step in _TICK_STEPS_S if duration_s / step <= 8), _TICK_STEPS_S[-1])
    times_s = [i * step_s for i in range(int(duration_s / step_s) + 1)]
    if duration_s - times_s[-1] < step_s / 2 and len(times_s) > 1:
        times_s.pop()
    labels = [(f"{time_s:g}", time_s) for time_s in times_s] + [(f"{duration_s:.1f} s", duration_s)]
    return "".join(f'<span style="left:{100 * time_s / duration_s:.2f}%">{text}</span>' for text, time_s in labels)
