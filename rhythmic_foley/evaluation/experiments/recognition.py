"""Recognised as asked: does a probe that learnt kinds of sound from real recordings hear the kind that was asked for?

The probe learns from the training sources and is tried on real recordings of other sources first: that is the ceiling.
A model is then asked for the same sounds at the same times, in the caption's words and in others.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.evaluation.experiments.kind_windows import Case, Recording, case_of, choose, lay
from rhythmic_foley.evaluation.experiments.sampling import Generated, Parts, generate
from rhythmic_foley.evaluation.metrics.probe import Probe, window_features
from rhythmic_foley.evaluation.report.report import mean_estimate
from rhythmic_foley.evaluation.report.tables import Column, Row
from rhythmic_foley.models.text_encoder import embed_text
from rhythmic_foley.models.yamnet import Yamnet
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline

REAL, SAMPLED, OTHER = "real recordings (ceiling)", "nearest recording laid (sampler)", "another kind (floor)"
COLUMNS = (Column("first", "asked kind first", True, 2), Column("three", "among three", True, 2))
_FOLDS = 3
_LEAST_RECALL = 0.3

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Ear:
    """Probes that learnt from the training sources.

    Attributes:
        network: YAMNet, whose embeddings they read.
        whole: learnt from all of those sources.
        without: for each fold of sources one that learnt from the other folds: it judges recordings of that fold.
        dropped: kinds that no probe recognises on training sources that it has not heard; they would measure nothing.
    """

    network: Yamnet
    whole: Probe
    without: tuple[Probe, ...]
    dropped: tuple[str, ...] = ()

    @classmethod
    def learn(
        cls,
        network: Yamnet,
        recordings: Sequence[Recording],
        *,
        each: int = 24,
        seed: int = 0,
        progress: Progress = lambda line: None,
    ) -> Ear:
        """Learn from at most `each` training recordings of a kind, each laid once in a window."""
        taught = choose(recordings, each, held_out=False, seed=seed)
        rows = []
        for number, recording in enumerate(taught, 1):
            rows.append(window_features(network, case_of(recording, seed)[1], SAMPLE_RATE_HZ))
            if number % 100 == 0:
                progress(f"the probe has heard {number} of {len(taught)} recordings")
        features, kinds = np.stack(rows), np.array([recording.kind for recording in taught])
        folds = np.array([_fold_of(recording.source) for recording in taught])
        dropped = unknown_kinds(features, kinds, folds)
        kept = ~np.isin(kinds, dropped)
        features, kinds, folds = features[kept], kinds[kept], folds[kept]
        return cls(network, Probe.fit(features, kinds), _fit_folds(features, kinds, folds), dropped)

    def hear(self, wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
        """Features of a window (samples,), as the probes read them."""
        return window_features(self.network, wave, sample_rate_hz)

    def judge_recording(self, recording: Recording, features: np.ndarray, asked: str) -> tuple[int, str]:
        """Rank of the asked kind and the kind heard first, by a probe that knows nothing of the recording's source."""
        probe = self.without[_fold_of(recording.source)]
        rank = int(probe.ranks(features[None], [asked])[0]) if asked in probe.classes else len(probe.classes)
        return rank, probe.first(features[None])[0]


@dataclass(frozen=True)
class Judged:
    """What the probe said of windows that answer the cases of a trial, in their order.

    Attributes:
        features: (N, D).
        ranks: (N,) at which place, from 0, the asked kind came.
        heard: the kind that came first.
    """

    features: np.ndarray
    ranks: np.ndarray
    heard: tuple[str, ...]

    def row(self, name: str, kinds: Sequence[str]) -> Row:
        """Accuracy with intervals over kinds: the bootstrap draws kinds, each with all its windows."""
        hits = {"first": (self.ranks < 1).astype(float), "three": (self.ranks < 3).astype(float)}
        estimates = {key: mean_estimate(values, kinds) for key, values in hits.items()}
        clips = tuple(
            {"clip": kind, "first": first, "three": three, "heard": heard}
            for kind, first, three, heard in zip(kinds, hits["first"], hits["three"], self.heard, strict=True)
        )
        return Row(name, len(kinds), estimates, {}, clips)


@dataclass(frozen=True)
class Trial:
    """Cases with their real windows; whatever answers them is judged in the same way.

    Attributes:
        real: (N, D) features of the real windows.
        waves: (N, samples) the real windows at 16 kHz.
    """

    ear: Ear
    cases: tuple[Case, ...]
    real: np.ndarray
    waves: np.ndarray

    @classmethod
    def of(cls, ear: Ear, recordings: Sequence[Recording], *, each: int = 2, seed: int = 0) -> Trial:
        """At most `each` recordings of a kind that the ear knows, of the sources kept for evaluation."""
        chosen = choose(recordings, each, held_out=True, seed=seed)
        pairs = [case_of(recording, seed) for recording in chosen if recording.kind in ear.whole.classes]
        waves = np.stack([wave for _, wave in pairs])
        real = np.stack([ear.hear(wave, SAMPLE_RATE_HZ) for wave in waves])
        return cls(ear, tuple(case for case, _ in pairs), real, waves)

    @property
    def kinds(self) -> list[str]:
        return [case.recording.kind for case in self.cases]

    def judge(self, features: np.ndarray) -> Judged:
        """Judge (N, D) features of windows that answer the cases in their order."""
        whole = self.ear.whole
        return Judged(features, whole.ranks(features, self.kinds), tuple(whole.first(features)))

    def judge_other(self) -> Judged:
        """Judge the real windows, each as an answer to a case of another kind."""
        kinds, count = self.kinds, len(self.cases)
        others = [next(j for j in _after(i + count // 2, count) if kinds[j] != kinds[i]) for i in range(count)]
        return self.judge(self.real[others])

    def judge_sampled(self, pipeline: RhythmicFoleyPipeline, recordings: Sequence[Recording]) -> Judged:
        """Judge training recordings laid at the cases' times, each chosen by the nearest caption."""
        features, judged = [], []
        for case, recording in zip(self.cases, nearest_recordings(pipeline, self.cases, recordings), strict=True):
            features.append(self.ear.hear(lay(recording, case), SAMPLE_RATE_HZ))
            judged.append(self.ear.judge_recording(recording, features[-1], case.recording.kind))
        ranks, heard = zip(*judged, strict=True)
        return Judged(np.stack(features), np.array(ranks), tuple(heard))

    def judge_sounds(self, sounds: Sequence[Generated]) -> Judged:
        """Judge windows that answer the cases in their order."""
        return self.judge(np.stack([self.ear.hear(sound.wave, sound.sample_rate_hz) for sound in sounds]))


def _fit_folds(features: np.ndarray, kinds: np.ndarray, folds: np.ndarray) -> tuple[Probe, ...]:
    return tuple(Probe.fit(features[folds != fold], kinds[folds != fold]) for fold in range(_FOLDS))


def unknown_kinds(features: np.ndarray, kinds: np.ndarray, folds: np.ndarray) -> tuple[str, ...]:
    """Kinds that come among the first three in less than 30 % of the windows of sources that a probe has not heard.

    Args:
        features: (N, D) of training windows.
        kinds: (N,) names.
        folds: (N,) of the windows' sources, from 0.
    """
    found = np.zeros(len(kinds))
    for fold, probe in enumerate(_fit_folds(features, kinds, folds)):
        judged = (folds == fold) & np.isin(kinds, probe.classes)
        if judged.any():
            found[judged] = probe.ranks(features[judged], kinds[judged].tolist()) < 3
    return tuple(kind for kind in np.unique(kinds).tolist() if found[kinds == kind].mean() < _LEAST_RECALL)


def nearest_recordings(
    pipeline: RhythmicFoleyPipeline, cases: Sequence[Case], recordings: Sequence[Recording]
) -> list[Recording]:
    """Find for each case a training recording whose caption is nearest to the asked one."""
    bank: dict[str, list[Recording]] = {}
    for recording in recordings:
        if not recording.held_out:
            bank.setdefault(recording.caption, []).append(recording)
    names = list(bank)
    near = _embed(pipeline, [case.recording.caption for case in cases]) @ _embed(pipeline, names).T
    pools = [bank[names[best]] for best in near.argmax(axis=1)]
    return [pool[case.seed % len(pool)] for case, pool in zip(cases, pools, strict=True)]


def answer(
    pipeline: RhythmicFoleyPipeline,
    cases: Sequence[Case],
    texts: Sequence[str],
    parts: Parts,
    *,
    progress: Progress = lambda line: None,
    generator: Callable[..., Iterable[Generated]] = generate,
    **options: object,
) -> list[Generated]:
    """Make a window for each case with a model that is asked in these words.

    Args:
        texts: one for each case.
        parts: which parts of the model take part; where a sound goes on, the temporal adapter does not.
        generator: what makes the windows, called like `generate`.
        options: as `generate` takes them.
    """
    requests = [case.request(text) for case, text in zip(cases, texts, strict=True)]
    sounds: dict[int, Generated] = {}
    for goes_on in (False, True):
        chosen = [index for index, case in enumerate(cases) if case.goes_on == goes_on]
        used = replace(parts, temporal_scale=0.0) if goes_on else parts
        made = generator(pipeline, [requests[index] for index in chosen], used, **options)
        for index, sound in zip(chosen, made, strict=True):
            sounds[index] = sound
            progress(f"window {len(sounds)} of {len(requests)}")
    return [sounds[index] for index in range(len(requests))]


def confusion_table(row: Row) -> str:
    """A Markdown line for each kind: how often it was heard, and as what else."""
    lines = ["| asked | windows | first | among three | heard instead |", "|---|---:|---:|---:|---|"]
    for kind in sorted({clip["clip"] for clip in row.clips}):
        own = [clip for clip in row.clips if clip["clip"] == kind]
        instead = Counter(clip["heard"].replace(", ", " or ") for clip in own if clip["heard"] != kind)
        told = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in instead.most_common(3))
        first, three = (sum(int(clip[key]) for clip in own) for key in ("first", "three"))
        lines.append(f"| {kind} | {len(own)} | {first} | {three} | {told} |")
    return "\n".join(lines)


def _fold_of(source: str) -> int:
    return zlib.crc32(source.encode()) % _FOLDS


def _after(start: int, count: int) -> Iterable[int]:
    return ((start + step) % count for step in range(count))


def _embed(pipeline: RhythmicFoleyPipeline, texts: Sequence[str]) -> np.ndarray:
    parts = [
        embed_text(texts[i : i + 64], pipeline.tokenizer, pipeline.text_encoder) for i in range(0, len(texts), 64)
    ]
    return np.concatenate([part.numpy() for part in parts])
