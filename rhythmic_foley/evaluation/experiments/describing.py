"""How right a describer is: asked about clips and pictures whose sounds are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmic_foley.describe.base import N_SUGGESTIONS, Describer, Description
from rhythmic_foley.describe.speech import is_speech, without_speech
from rhythmic_foley.training.describer.labelled import Labelled
from rhythmic_foley.values.events import UNKNOWN, SoundEvent

RESAMPLINGS = 2000


@dataclass(frozen=True)
class Verdict:
    """What a describer made of one thing.

    Attributes:
        name: of the thing; `group` is its row in the report, `source` its recording.
        sounds: whether something can be told to sound there.
        guesses: the five suggestions, the likeliest first.
        first: whether the first guess is right.
        among_five: whether one of the five is right.
        confidence: of the first guess.
        said: the labels that were filled in unasked; none where the describer is not sure.
        right: whether the most confident of them is right.
    """

    name: str
    group: str
    source: str
    sounds: bool
    guesses: tuple[str, ...]
    first: bool
    among_five: bool
    confidence: float
    said: tuple[str, ...]
    right: bool


def judge(describer: Describer, item: Labelled) -> Verdict:
    """Ask about one thing."""
    return judge_ranked(item, *describer.rank(item.frames(), item.duration_s))


def judge_ranked(item: Labelled, events: Sequence[SoundEvent], ranking: Iterable[tuple[str, float]] | None) -> Verdict:
    """Judge what `Describer.rank` answered."""
    # As the studio hands it on.
    events = without_speech(Description(tuple(events), "")).events
    known = sorted((event for event in events if event.label != UNKNOWN), key=lambda event: -event.confidence)
    if ranking is None:
        ranking = [(event.label, event.confidence) for event in known]
    guesses = {label: confidence for label, confidence in reversed(list(ranking)) if not is_speech(label)}
    labels = tuple(reversed(guesses))[:N_SUGGESTIONS]
    return Verdict(
        name=item.name,
        group=item.group,
        source=item.source or item.name,
        sounds=bool(item.sounds),
        guesses=labels,
        first=any(map(item.allows, labels[:1])),
        among_five=any(map(item.allows, labels)),
        confidence=guesses[labels[0]] if labels else 0.0,
        said=tuple(event.label for event in known),
        right=bool(known) and item.allows(known[0].label),
    )


def table(verdicts: Sequence[Verdict]) -> str:
    """Markdown: a row for each group, silent things apart; shares have 95 % intervals over sources."""
    lines = [
        "| what | n | sources | right among five | first right | filled in unasked | right of those |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    groups = dict.fromkeys((verdict.group, verdict.sounds) for verdict in verdicts)
    for group, sounds in groups:
        some = [verdict for verdict in verdicts if (verdict.group, verdict.sounds) == (group, sounds)]
        filled = [bool(verdict.said) for verdict in some]
        cells = [group or "clips", len(some), len({verdict.source for verdict in some})]
        if sounds:
            cells += [_share(some, [verdict.among_five for verdict in some]), _share(some, [v.first for v in some])]
            said = [verdict for verdict in some if verdict.said]
            cells += [_share(some, filled), _share(said, [verdict.right for verdict in said])]
        else:
            cells[0] = f"{cells[0]}, nothing to tell"
            cells += ["", "", _share(some, filled), ""]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _share(verdicts: Sequence[Verdict], hits: Sequence[bool]) -> str:
    """A share and its 95 % interval by bootstrap over sources: "0.81 [0.73, 0.88]"; every source counts once."""
    if not verdicts:
        return "-"
    by_source: dict[str, list[bool]] = {}
    for verdict, hit in zip(verdicts, hits, strict=True):
        by_source.setdefault(verdict.source, []).append(hit)
    means = np.array([np.mean(some) for some in by_source.values()])
    drawn = np.random.default_rng(0).integers(len(means), size=(RESAMPLINGS, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), [0.025, 0.975])
    return f"{means.mean():.2f} [{low:.2f}, {high:.2f}]"
