"""Small pieces of HTML that the page shows: facts of a clip, progress, facts of a take. Every text is escaped."""

from __future__ import annotations

import base64
import io
from functools import cache
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from rhythmic_foley.values.events import UNKNOWN

if TYPE_CHECKING:
    from rhythmic_foley.values.clip import ClipInfo
    from rhythmic_foley.values.results import Analysis, Progress, Take


# Picture codecs that Chrome, Firefox and Safari play in their usual forms.
_SHOWN_BY_BROWSERS = ("h264", "vp8", "vp9", "av1", "gif", "webp", "apng")


def said(sentence: str, *, trouble: bool = False) -> str:
    """One sentence to the person, quiet or as trouble."""
    return f'<p class="rf-said{" rf-trouble" if trouble else ""}" role="status">{escape(sentence)}</p>'


def clip_facts(clip: ClipInfo) -> str:
    """What the file is, as a definition list."""
    rate = f"{clip.fps:.3f}".rstrip("0").rstrip(".") + " fps"
    turned = f", turned by {clip.rotation}°" if clip.rotation else ""
    sound = f"yes, {clip.audio_rate_hz / 1000:g} kHz" if clip.has_audio and clip.audio_rate_hz else "none"
    facts = {
        "Length": f"{clip.duration_s:.2f} s",
        "Frame rate": rate + (" (variable)" if clip.variable_rate else ""),
        "Size": f"{clip.width} × {clip.height}{turned}",
        "Format": f"{clip.codec} in {clip.container}",
        "Own sound": sound,
    }
    notes = clip.notes
    if clip.codec not in _SHOWN_BY_BROWSERS:
        notes += (f"Your browser may not show this film ({clip.codec}); the timeline and the dub work all the same.",)
    if notes:
        facts["Notes"] = " ".join(notes)
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
        "not sure; pick what sounds below, or type it"
        if event.label == UNKNOWN
        else f"{event.text} ({event.confidence:.0%} sure)"
        for event in analysis.events
    )
    return said(" ".join([f"Describer {analysis.describer}: {sounds or 'no sounds'}.", *analysis.notes]))


def preview(mel: np.ndarray) -> str:
    """The mel under way as a picture.

    Args:
        mel: (128, frames) in [0, 1].
    """
    grey = Image.fromarray(np.clip(mel[::-1] * 255, 0, 255).astype(np.uint8))
    grey.putpalette(_palette())
    buffer = io.BytesIO()
    grey.save(buffer, format="PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img class="rf-preview" alt="The mel as it stands" src="data:image/png;base64,{data}">'


@cache
def _palette() -> bytes:
    from matplotlib import colormaps

    return (colormaps["magma"](np.arange(256), bytes=True)[:, :3]).tobytes()


def take_line(take: Take) -> str:
    """A take in the list: its name, its seed and how well it keeps time."""
    match = take.measured
    hits = f" · {match.hits} of {match.wanted} hits" if match is not None and match.wanted else ""
    return f"{take.name} · seed {take.seed}{hits}"


def take_facts(take: Take) -> str:
    """How well the take keeps time, its seed, and what had to be done differently."""
    facts = {"Onsets hit": hit_rate(take)}
    if take.measured is not None and take.measured.hits:
        facts["Off on average"] = f"{1000 * take.measured.mean_error_s:.0f} ms"
    facts["Seed"] = str(take.seed)
    if take.notes:
        facts["Notes"] = " ".join(take.notes)
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f'<dl class="rf-facts">{rows}</dl>'


def hit_rate(take: Take) -> str:
    """Measured hits in words."""
    match = take.measured
    if match is None or not match.wanted:
        return "none were asked for"
    return f"{match.hits} of {match.wanted} ({match.recall:.0%})"
