"""Scores of one generated sound against the real one of its clip, by whatever there is to measure with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.onset_detection import DETECTOR_RATE_HZ
from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.av_align import MotionPeaks, audio_peaks, av_align, video_peaks
from rhythmic_foley.evaluation.metrics.bounds import floors_of
from rhythmic_foley.evaluation.metrics.clip_similarity import ClipSimilarity
from rhythmic_foley.evaluation.metrics.desync import DeSync
from rhythmic_foley.evaluation.metrics.distances import kl_divergences
from rhythmic_foley.evaluation.metrics.networks import ClipOutputs, SoundNetwork
from rhythmic_foley.evaluation.metrics.onset_metrics import TOLERANCE_S, resample, score_sounds
from rhythmic_foley.evaluation.metrics.visqol import Visqol, is_silent
from rhythmic_foley.evaluation.report.folders import Pair, read_sound
from rhythmic_foley.evaluation.report.tables import Column

_SHORTEST_S = 0.25
_SAME_LENGTH_S = 0.1
_ROUNDING_S = 0.05  # a clip of 9.98 s counts as 10 whole seconds: frame rates seldom divide a second

_Sound = tuple[np.ndarray, int]  # (N,) mono and its rate in Hz


@dataclass(frozen=True)
class Tools:
    """What is there to measure with.

    Attributes:
        networks: for Frechet distances and MKL; several give several columns.
        clip: of picture and sound; None leaves the column out, as below.
        sync: for DeSync.
        visqol: None leaves the column out.
        flow: compute AV-Align.
        flow_side: longest side of the frames that its optical flow sees; None for the frames as they are.
        seconds: length to which both sides are cut; None for the pair's common length (onsets: its whole seconds).
        tolerance_s: of the onset scores.
    """

    networks: tuple[SoundNetwork, ...] = ()
    clip: ClipSimilarity | None = None
    sync: DeSync | None = None
    visqol: Visqol | None = None
    flow: bool = True
    flow_side: int | None = None
    seconds: float | None = None
    tolerance_s: float = TOLERANCE_S

    def columns(self) -> tuple[Column, ...]:
        """Columns in the order of the table."""
        band = self.visqol.band_hz if self.visqol else None
        side = f" ({self.flow_side} px)" if self.flow_side else ""
        tolerance = f"{self.tolerance_s:g} s"
        columns = [
            Column("onset_count_acc", f"Onset Acc (same number, {tolerance} protocol)", True),
            Column("onset_detection_acc", f"Onset detection acc ({tolerance})", True),
            Column("onset_ap", f"Onset AP ({tolerance}, as published: silence gets 1)", True),
            Column("onset_ap_strict", f"Onset AP strict ({tolerance})", True),
        ]
        for network in self.networks:
            columns.append(Column(f"fd_{network.key}", network.distance_head, False))
            columns.append(Column(f"mkl_{network.key}", network.divergence_head, False))
        if self.clip:
            columns.append(Column("clip_similarity", self.clip.head, True, 2))
        if self.visqol:
            columns.append(Column("visqol", f"ViSQOL (audio mode, {_band(band)})", True))
        if self.flow:
            columns.append(Column("av_align", f"AV-Align{side}", True))
        if self.sync:
            columns.append(Column("desync", self.sync.head, False, 2))
        return tuple(replace(column, floors=floors_of(column.key)) for column in columns)


def _band(band_hz: float | None) -> str:
    return "48 kHz" if band_hz is None else f"48 kHz, both below {band_hz / 1000:g} kHz"


@dataclass(frozen=True)
class PairScores:
    """Numbers of one pair; `values` holds only those that are defined for it.

    Attributes:
        counted: what was peculiar about it, as keys of the row's counts.
        outputs: for each network what it says of the real and of the generated sound.
    """

    pair: Pair
    seconds: float = 0.0
    values: dict[str, float] = field(default_factory=dict)
    counted: tuple[str, ...] = ()
    outputs: tuple[tuple[ClipOutputs, ClipOutputs], ...] = ()


class Scorer:
    """Scores pairs, and remembers what several methods ask of the same real clip."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._outputs: dict[tuple[int, Path, int], ClipOutputs] = {}
        self._motion: dict[Path, MotionPeaks | None] = {}

    def score(self, pair: Pair) -> PairScores:
        sounds: list[_Sound] = []
        for side, files in (("real", pair.real), ("generated", pair.generated)):
            try:
                sound = read_sound(files)
            except FoleyError:
                return PairScores(pair, counted=(f"{side}_unreadable",))
            if sound is None:
                return PairScores(pair, counted=(f"{side}_without_sound",))
            sounds.append(sound)
        if pair.change:
            sounds[1] = pair.change(sounds[1][0]), sounds[1][1]
        return self._score(pair, sounds)

    def _score(self, pair: Pair, sounds: list[_Sound]) -> PairScores:
        lengths_s = [len(wave) / rate_hz for wave, rate_hz in sounds]
        seconds = min(lengths_s + ([self.tools.seconds] if self.tools.seconds else []))
        if seconds < _SHORTEST_S:
            return PairScores(pair, seconds, counted=("too_short",))
        cut = [(wave[: round(seconds * rate_hz)], rate_hz) for wave, rate_hz in sounds]
        values = self._onsets(*cut, seconds) | self._visqol(*cut) | self._av_align(pair, cut[1], seconds)
        values |= self._clip(pair, cut[1]) | self._sync(pair, cut[1], seconds)
        outputs = tuple(self._both_outputs(pair, cut))
        for network, (one, other) in zip(self.tools.networks, outputs, strict=True):
            values[f"mkl_{network.key}"] = float(kl_divergences(one.logits[None], other.logits[None])[0])
        counted = _peculiarities(pair, sounds, cut, lengths_s, values, self.tools)
        return PairScores(pair, seconds, values, counted, outputs)

    def _onsets(self, real: _Sound, generated: _Sound, seconds: float) -> dict[str, float]:
        """Empty where the real sound has no onset: such clips belong in no mean."""
        whole_s = np.floor(seconds + _ROUNDING_S) or seconds
        length = int(whole_s * DETECTOR_RATE_HZ)
        waves = [fit_length(resample(*sound, DETECTOR_RATE_HZ), length) for sound in (real, generated)]
        scores = score_sounds(*waves, DETECTOR_RATE_HZ, tolerance_s=self.tools.tolerance_s)
        if not scores.real:
            return {}
        return {
            "onset_count_acc": float(scores.count_match),
            "onset_detection_acc": scores.detection_acc,
            "onset_ap": scores.ap,
            "onset_ap_strict": scores.ap_strict,
        }

    def _visqol(self, real: _Sound, generated: _Sound) -> dict[str, float]:
        score = self.tools.visqol.score(*real, *generated) if self.tools.visqol else None
        return {} if score is None else {"visqol": score}

    def _clip(self, pair: Pair, generated: _Sound) -> dict[str, float]:
        video = pair.real.video or pair.generated.video
        if self.tools.clip is None or video is None:
            return {}
        try:
            return {"clip_similarity": self.tools.clip.score(*generated, video)}
        except FoleyError:
            return {}

    def _sync(self, pair: Pair, generated: _Sound, seconds: float) -> dict[str, float]:
        video = pair.real.video or pair.generated.video
        if self.tools.sync is None or video is None:
            return {}
        try:
            score = self.tools.sync.score(*generated, video, seconds)
        except FoleyError:
            return {}
        return {} if score is None else {"desync": score}

    def _av_align(self, pair: Pair, generated: _Sound, seconds: float) -> dict[str, float]:
        motion = self._peaks(pair.real.video or pair.generated.video) if self.tools.flow else None
        if motion is None:
            return {}
        score = av_align(audio_peaks(*generated), motion.before(seconds).times_s, motion.fps)
        return {} if score is None else {"av_align": score}

    def _peaks(self, video: Path | None) -> MotionPeaks | None:
        if video is not None and video not in self._motion:
            try:
                self._motion[video] = video_peaks(video, max_side=self.tools.flow_side)
            except FoleyError:
                self._motion[video] = None
        return self._motion[video] if video is not None else None

    def _both_outputs(self, pair: Pair, cut: list[_Sound]) -> Iterator[tuple[ClipOutputs, ClipOutputs]]:
        for number, network in enumerate(self.tools.networks):
            key = (number, pair.real.sound, len(cut[0][0]))
            if key not in self._outputs:
                self._outputs[key] = network(*cut[0])
            yield self._outputs[key], network(*cut[1])


def _peculiarities(
    pair: Pair, sounds: list[_Sound], cut: list[_Sound], lengths_s: list[float], values: dict[str, float], tools: Tools
) -> tuple[str, ...]:
    checks = {
        "generated_silent": is_silent(cut[1][0]),
        "real_silent": is_silent(cut[0][0]),
        "length_differs": abs(lengths_s[0] - lengths_s[1]) > _SAME_LENGTH_S,
        "rate_differs": sounds[0][1] != sounds[1][1],
        "doubled": pair.real.doubled or pair.generated.doubled,
        "no_real_onset": "onset_ap" not in values,
        "visqol_undefined": tools.visqol is not None and "visqol" not in values,
        "clip_undefined": tools.clip is not None and "clip_similarity" not in values,
        "av_align_undefined": tools.flow and "av_align" not in values,
        "desync_undefined": tools.sync is not None and "desync" not in values,
    }
    return tuple(name for name, met in checks.items() if met)
