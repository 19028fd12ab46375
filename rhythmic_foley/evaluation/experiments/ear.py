"""The honest ear of `evaluate mini`: is what was asked for recognised, and does it sound real?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.evaluation.experiments.kind_windows import everyday_recordings, lay
from rhythmic_foley.evaluation.experiments.realness import BANDS, Realness, realness, spectral_statistics
from rhythmic_foley.evaluation.experiments.recognition import (
    COLUMNS,
    OTHER,
    REAL,
    SAMPLED,
    Ear,
    Judged,
    Trial,
    answer,
    confusion_table,
    nearest_recordings,
)
from rhythmic_foley.evaluation.experiments.sampling import ABLATIONS, Generated, Parts
from rhythmic_foley.evaluation.report.report import mean_estimate
from rhythmic_foley.evaluation.report.tables import Estimate, Report, Row
from rhythmic_foley.models.yamnet import Yamnet
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline

CODED = "real, through autoencoder and vocoder"
# Parts of a model that may change what a sound is; the temporal adapter says when.
VARIANTS = {name: ABLATIONS[name] for name in ("everything", "without semantic adapter")}
HITS, GOES_ON = "hits", "sounds that go on"
_HOW = (
    "A linear probe on YAMNet's embeddings, taught on recordings of the training sources, hears windows that answer "
    "recordings of other sources at the same times. `{sampled}`: the training recording whose caption is nearest, "
    "judged by a probe that knows nothing of its source. Intervals draw kinds, each with all its windows."
)
_HOW_REAL = (
    "A probe that learnt from other kinds to tell real from made windows, on the same embeddings and on statistics of "
    "the mel, is wrong so often; 0.50 is perfect. Of each band: from that band's statistics alone."
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class EarReport:
    """What was found.

    Attributes:
        rows: how often the asked kind was heard; the real recordings first.
        realness: for each method how often a probe cannot tell it from the real recordings; empty if not asked for.
        confused: the row whose confusions are listed.
        dropped: kinds that are not asked for, since the probe does not know them on training sources either.
    """

    rows: tuple[Row, ...]
    realness: Mapping[str, Realness] = field(default_factory=dict)
    confused: Row | None = None
    dropped: tuple[str, ...] = ()

    def to_markdown(self) -> str:
        parts = []
        if self.rows:
            told = (_HOW.format(sampled=SAMPLED), *self._dropped(), *self._shares(), *self._differences())
            parts.append(Report(COLUMNS, self.rows, told).to_markdown())
        if self.realness:
            parts.append(f"{_realness_table(self.realness)}\n\n{_HOW_REAL}\n")
        if self.confused is not None:
            parts.append(f"Heard for {self.confused.method}:\n\n{confusion_table(self.confused)}\n")
        return "\n".join(parts)

    def _dropped(self) -> Iterator[str]:
        if self.dropped:
            kinds = ", ".join(kind.replace(",", " or") for kind in self.dropped)
            yield f"Left out, since the probe does not know them on unheard training sources either: {kinds}."

    def _models(self) -> list[Row]:
        return [row for row in self.rows if row.method not in (REAL, CODED, SAMPLED, OTHER)]

    def _shares(self) -> Iterator[str]:
        """Each model's accuracy as a share of what real recordings reach."""
        real = {key: max(estimate.value, 1e-9) for key, estimate in self.rows[0].estimates.items()}
        for row in self._models():
            first, three = (row.estimates[key].value / real[key] for key in ("first", "three"))
            yield f"{row.method}: {first:.0%} of the ceiling first, {three:.0%} among three."

    def _differences(self) -> Iterator[str]:
        """What each further row of a model changes, window by window: surer than the difference of two means."""
        base, *further = self._models() or [None]
        for row in further:
            for column in COLUMNS:
                pairs = zip(base.clips, row.clips, strict=True)
                changes = [after[column.key] - before[column.key] for before, after in pairs]
                found = mean_estimate(changes, [clip["clip"] for clip in row.clips])
                interval = "" if found.low is None else f" [{found.low:+.2f}, {found.high:+.2f}]"
                yield f"{column.head}, {row.method} minus {base.method}: {found.value:+.2f}{interval}."


@dataclass(frozen=True)
class EarOptions:
    """How much is heard, and how it is made.

    Attributes:
        recognised, real: what is asked.
        each: windows for each kind.
        taught: recordings of each kind that the probe learns from.
        steps, guidance_scale, batch, quick: as `generate` takes them.
    """

    recognised: bool = True
    real: bool = True
    each: int = 2
    taught: int = 24
    seed: int = 0
    steps: int | None = None
    guidance_scale: float | None = None
    batch: int = 8
    quick: bool = False


def evaluate_ear(
    pipelines: Mapping[str, RhythmicFoleyPipeline],
    network: Yamnet,
    table: Path,
    options: EarOptions,
    *,
    variants: Mapping[str, Parts] | None = None,
    progress: Progress = lambda line: None,
) -> EarReport:
    """Judge models by what is heard in their windows.

    Args:
        pipelines: by the names of their rows.
        network: YAMNet; one ear for all models.
        table: `sounds.csv` with the columns kind and split.
        variants: parts of each model that take part, by name; all of them, in two wordings, if left out.

    Raises:
        FoleyError: if the table cannot be used.
    """
    recordings = everyday_recordings(table)
    ear = Ear.learn(network, recordings, each=options.taught, seed=options.seed, progress=progress)
    trial = Trial.of(ear, recordings, each=options.each, seed=options.seed)
    first = next(iter(pipelines.values()))
    made: dict[str, list[Generated]] = {CODED: coded(first, trial.waves)}
    for name, pipeline in pipelines.items():
        made |= _answers(name, pipeline, trial, options, variants, progress)
    judged = {REAL: trial.judge(trial.real)}
    judged |= {name: trial.judge_sounds(sounds) for name, sounds in made.items()}
    judged |= {SAMPLED: trial.judge_sampled(first, recordings), OTHER: trial.judge_other()}
    rows = tuple(one.row(name, trial.kinds) for name, one in judged.items())
    confused = next(row for row in rows if row.method not in (REAL, CODED))
    found: dict[str, Realness] = {}
    if options.real:
        nearest = zip(nearest_recordings(first, trial.cases, recordings), trial.cases, strict=True)
        laid = [Generated(lay(recording, case), SAMPLE_RATE_HZ, np.empty(0)) for recording, case in nearest]
        found = _realness(trial, judged, {SAMPLED: laid, **made})
    return EarReport(rows, found, confused, ear.dropped) if options.recognised else EarReport((), found)


def _answers(
    name: str,
    pipeline: RhythmicFoleyPipeline,
    trial: Trial,
    options: EarOptions,
    variants: Mapping[str, Parts] | None,
    progress: Progress,
) -> dict[str, list[Generated]]:
    """A model's windows by the name of their row."""
    captions = [case.recording.caption for case in trial.cases]
    if variants is None:
        asked = {name: (captions, Parts()), f"{name}, in other words": ([c.wording for c in trial.cases], Parts())}
    else:
        asked = {f"{name}, {variant}": (captions, parts) for variant, parts in variants.items()}
    return {
        row: answer(
            pipeline,
            trial.cases,
            texts,
            parts,
            steps=options.steps,
            guidance_scale=options.guidance_scale,
            batch=options.batch,
            quick=options.quick,
            progress=lambda line, row=row: progress(f"{row}: {line}"),
        )
        for row, (texts, parts) in asked.items()
    }


@torch.no_grad()
def coded(pipeline: RhythmicFoleyPipeline, waves: np.ndarray) -> list[Generated]:
    """Windows (N, samples) at 16 kHz through autoencoder and vocoder: the best that any base could do."""
    sounds = []
    for wave in waves:
        mel = pipeline.decode(pipeline.encode(log_mel(torch.from_numpy(wave)))[None])
        back = pipeline.vocoder(mel)[0]
        sounds.append(Generated(back.cpu().numpy(), pipeline.vocoder.sample_rate_hz, mel[0].cpu().numpy()))
    return sounds


def _realness(
    trial: Trial, judged: Mapping[str, Judged], sounds: Mapping[str, Sequence[Generated]]
) -> dict[str, Realness]:
    real = trial.real, np.stack([spectral_statistics(wave, SAMPLE_RATE_HZ) for wave in trial.waves])
    groups = [GOES_ON if case.goes_on else HITS for case in trial.cases]
    found = {}
    for name, made in sounds.items():
        statistics = np.stack([spectral_statistics(sound.wave, sound.sample_rate_hz) for sound in made])
        found[name] = realness(real, (judged[name].features, statistics), trial.kinds, groups)
    return found


def _realness_table(found: Mapping[str, Realness]) -> str:
    groups = [group for group in (HITS, GOES_ON) if any(group in one.by_group for one in found.values())]
    heads = ["taken for the other", *groups, *BANDS]
    lines = ["| real against | " + " | ".join(heads) + " |", "|" + " --- |" * (len(heads) + 1)]
    for name, one in found.items():
        cells = [_cell(one.everything), *(_cell(one.by_group.get(group)) for group in groups)]
        cells += [f"{one.by_band[band].value:.2f}" for band in BANDS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    interval = "" if estimate.low is None else f" [{estimate.low:.2f}, {estimate.high:.2f}]"
    return f"{estimate.value:.2f}{interval}"
