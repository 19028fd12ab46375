"""What a listening test found: who rated with care, mean ratings and mean ranks with intervals, as a table.

AUR is the average user rank: within one listener and clip the methods are put in order by their rating, 1 the worst
and n the best of n methods, equal ones sharing the mean of their places; reference and anchor are not ranked.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.listening.blind_test import ANCHOR, ASPECTS, FIELDS, REFERENCE
from rhythmic_foley.evaluation.report.report import mean_estimate
from rhythmic_foley.evaluation.report.tables import Estimate, as_json

# A listener who finds the anchor as good as the reference in more than this share of clips did not listen.
CARELESS = 0.25
# Less than this share of the test says too little about how a listener rates.
LEAST = 0.5


@dataclass(frozen=True)
class Answer:
    """One stimulus as one listener rated it; `ratings` by the keys of `ASPECTS`."""

    listener: str
    clip: str
    method: str
    ratings: Mapping[str, int]


@dataclass(frozen=True)
class MethodRatings:
    """What the listeners that count think of one method.

    Attributes:
        ratings: mean of 1..5 by aspect.
        ranks: AUR by aspect; empty for reference and anchor.
    """

    method: str
    ratings: Mapping[str, Estimate]
    ranks: Mapping[str, Estimate]


@dataclass(frozen=True)
class Findings:
    """The result of a listening test.

    Attributes:
        listeners: codes of those that count.
        dropped: sentences on those that do not, by code.
    """

    methods: tuple[MethodRatings, ...]
    listeners: tuple[str, ...]
    dropped: Mapping[str, str]
    clips: int

    def to_markdown(self) -> str:
        """Table III: methods down; ratings, then ranks across."""
        heads = [f"{aspect.name} ↑" for aspect in ASPECTS] + [f"AUR {aspect.name.lower()} ↑" for aspect in ASPECTS]
        lines = ["| method | " + " | ".join(heads) + " |", "|" + " --- |" * (len(heads) + 1)]
        for row in self.methods:
            cells = [_cell(row.ratings.get(aspect.key)) for aspect in ASPECTS]
            cells += [_cell(row.ranks.get(aspect.key)) for aspect in ASPECTS]
            lines.append(f"| {row.method} | " + " | ".join(cells) + " |")
        count = len(self.listeners)
        lines += ["", f"{count} listener{'s' if count != 1 else ''}, {self.clips} clips, each rated from 1 to 5."]
        lines += ["In brackets: 95 % bootstrap interval over listeners. AUR: mean rank among the methods, n is best."]
        lines += [f"- Not counted: {code}. {why}" for code, why in self.dropped.items()]
        return "\n".join(lines) + "\n"

    def to_csv(self) -> str:
        """A line for each method and aspect."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["method", "aspect", "measure", "mean", "low", "high", "answers"])
        for row in self.methods:
            for measure, estimates in (("rating", row.ratings), ("AUR", row.ranks)):
                for key, one in estimates.items():
                    writer.writerow([row.method, key, measure, one.value, one.low, one.high, one.samples])
        return out.getvalue()

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Writes listening.md, listening.csv and listening.json into the folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        told = as_json(self)
        texts = {"md": self.to_markdown(), "csv": self.to_csv(), "json": told}
        for suffix, text in texts.items():
            (folder / f"listening.{suffix}").write_text(text, encoding="utf-8")
        return tuple(folder / f"listening.{suffix}" for suffix in texts)


def read_answers(folder: str | Path) -> list[Answer]:
    """All answers in a test folder.

    Raises:
        FoleyError: if there are none yet, or a file is not as the test writes it.
    """
    answers = []
    for path in sorted((Path(folder) / "answers").glob("*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                try:
                    ratings = {aspect.key: int(row[aspect.key]) for aspect in ASPECTS}
                    answers.append(Answer(path.stem, row["clip"], row["method"], ratings))
                except (KeyError, TypeError, ValueError):
                    raise FoleyError(f"{path.name} is not a file of answers with {', '.join(FIELDS)}.") from None
    if not answers:
        raise FoleyError(f"Nobody has rated anything in {folder} yet.")
    return answers


def find(answers: Sequence[Answer], *, resamples: int = 2000, seed: int = 0) -> Findings:
    """Drops careless listeners and averages what the others say.

    Args:
        resamples: of the bootstrap over listeners; 0 for none.
    """
    dropped = careless(answers)
    counted = [answer for answer in answers if answer.listener not in dropped]
    names = sorted({answer.method for answer in counted}, key=lambda name: (name == ANCHOR, name == REFERENCE, name))
    ranks = _ranks(counted)
    rows = []
    for method in names:
        own = [answer for answer in counted if answer.method == method]
        who = [answer.listener for answer in own]
        settings = {"resamples": resamples, "seed": seed}
        ratings = {a.key: mean_estimate([one.ratings[a.key] for one in own], who, **settings) for a in ASPECTS}
        places = {
            aspect.key: mean_estimate([rank for _, rank in ranked], [name for name, _ in ranked], **settings)
            for aspect in ASPECTS
            if (ranked := ranks.get((method, aspect.key)))
        }
        rows.append(MethodRatings(method, ratings, places))
    listeners = tuple(sorted({answer.listener for answer in counted}))
    return Findings(tuple(rows), listeners, dropped, len({answer.clip for answer in counted}))


def careless(answers: Sequence[Answer]) -> dict[str, str]:
    """Listeners who do not count, each with a sentence why."""
    asked = {(answer.clip, answer.method) for answer in answers}
    checkable = sum((clip, ANCHOR) in asked and (clip, REFERENCE) in asked for clip in {clip for clip, _ in asked})
    of_listener: dict[str, dict[tuple[str, str], Answer]] = defaultdict(dict)
    for answer in answers:
        of_listener[answer.listener][answer.clip, answer.method] = answer
    dropped = {}
    for listener, own in of_listener.items():
        if len(own) < LEAST * len(asked):
            dropped[listener] = f"Rated {len(own)} of {len(asked)}, less than half."
            continue
        checks = [
            np.mean(list(own[clip, REFERENCE].ratings.values())) > np.mean(list(own[clip, ANCHOR].ratings.values()))
            for clip in {clip for clip, _ in own}
            if (clip, REFERENCE) in own and (clip, ANCHOR) in own
        ]
        missed = len(checks) - sum(checks)
        if checkable and (not checks or missed > CARELESS * len(checks)):
            dropped[listener] = f"Found the anchor as good as the reference in {missed} of {len(checks)} clips."
    return dropped


def _ranks(answers: Sequence[Answer]) -> dict[tuple[str, str], list[tuple[str, float]]]:
    """By method and aspect: listener and rank, wherever a listener rated all methods of a clip."""
    from scipy.stats import rankdata

    items: dict[tuple[str, str], dict[str, Answer]] = defaultdict(dict)
    for answer in answers:
        if answer.method not in (REFERENCE, ANCHOR):
            items[answer.listener, answer.clip][answer.method] = answer
    everything = {method for rated in items.values() for method in rated}
    ranks: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for (listener, _), rated in items.items():
        if set(rated) != everything or len(rated) < 2:
            continue
        for aspect in ASPECTS:
            places = rankdata([answer.ratings[aspect.key] for answer in rated.values()])
            for method, place in zip(rated, places, strict=True):
                ranks[method, aspect.key].append((listener, float(place)))
    return ranks


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
