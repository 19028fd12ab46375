"""Does a model sound like what was described? Held-out captions, heard by YAMNet, beside floor and ceiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rhythmic_foley.evaluation.experiments.held_out import RealWindow, Selection
from rhythmic_foley.evaluation.experiments.sampling import ABLATIONS, Generated, Parts, Request, generate
from rhythmic_foley.evaluation.metrics.hearing import (
    Axes,
    Heard,
    hear,
    hear_wave,
    mean_divergence,
    set_distance,
    shares_a_tag,
)
from rhythmic_foley.evaluation.report.report import mean_estimate
from rhythmic_foley.evaluation.report.tables import Column, Estimate, Row
from rhythmic_foley.models.yamnet import Yamnet
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.training.prepare import SceneSet

FLOOR, CODED, CEILING = "real (floor)", "real, through autoencoder and vocoder", "another class (ceiling)"
_AXES, _CAPTION_AXES = 64, 16  # a caption has but a few dozen patches
_RESAMPLES = 50

COLUMNS = (
    Column("fd", f"FD (YAMNet, {_AXES} axes)", False, 1),
    Column("caption_fd", f"FD within caption ({_CAPTION_AXES} axes)", False, 1),
    Column("kl", "KL (YAMNet)", False, 2),
    Column("tags", "tag agreement", True, 2),
)
PAIRED = ("caption_fd", "kl", "tags")  # have a value for each window
METRICS = {"fd": ("fd", "caption_fd"), "kl": ("kl",), "tags": ("tags",)}


def requests_of(windows: Sequence[RealWindow]) -> list[Request]:
    """What the model is asked for each window; the seed is the window's scene."""
    return [Request((window.event,), window.onsets, window.scene) for window in windows]


@dataclass
class Listener:
    """Hears sets of windows and compares each with the real ones.

    Frechet distances are taken on the principal axes of the real windows: over all windows at once, and within each
    caption, which unlike the former sees real sounds in the wrong places.
    """

    network: Yamnet
    scenes: SceneSet
    selection: Selection

    def __post_init__(self) -> None:
        self._compared = {
            caption: [self._real(window) for window in windows] for caption, windows in self.selection.compared.items()
        }
        pool = np.concatenate([heard.features for heards in self._compared.values() for heard in heards])
        self._axes = Axes.fit(pool, min(_AXES, *pool.shape))
        self._projected = {
            caption: [self._axes.project(heard.features) for heard in heards]
            for caption, heards in self._compared.items()
        }

    def row(self, name: str, heards: Sequence[Heard], *, resamples: int = _RESAMPLES) -> Row:
        """Scores of one sound for each window of the selection.

        Args:
            heards: in the order of `selection.windows`.
        """
        windows = self.selection.windows
        features = [self._axes.project(heard.features) for heard in heards]
        clips = []
        for window, heard, own in zip(windows, heards, features, strict=True):
            real = [one[:, :_CAPTION_AXES] for one in self._projected[window.caption]]
            clips.append(
                {
                    "clip": window.caption,
                    "caption_fd": set_distance(real, [own[:, :_CAPTION_AXES]]),
                    "kl": mean_divergence(self._compared[window.caption], heard),
                    "tags": float(shares_a_tag(self._compared[window.caption], heard)),
                }
            )
        numbers = [str(number) for number in range(len(windows))]
        estimates = {key: mean_estimate([clip[key] for clip in clips], numbers) for key in PAIRED}
        return Row(name, len(windows), {"fd": self._frechet(features, resamples)} | estimates, {}, tuple(clips))

    def floor(self) -> Row:
        """The real sounds of the windows themselves."""
        return self.row(FLOOR, [self._real(window) for window in self.selection.windows])

    def ceiling(self) -> Row:
        """Each caption answered with a real sound of another."""
        return self.row(CEILING, [self._real(window) for window in self.selection.others])

    def generated(self, name: str, sounds: Sequence[Generated]) -> Row:
        """What a model made for the windows."""
        return self.row(name, [hear_wave(self.network, sound.wave, sound.sample_rate_hz) for sound in sounds])

    def _real(self, window: RealWindow) -> Heard:
        return hear(self.network, window.embeddings(self.scenes))

    def _frechet(self, features: Sequence[np.ndarray], resamples: int) -> Estimate:
        """With the spread of resamples of the windows laid around the distance, as `frechet_estimate` does."""
        real = [self._projected[window.caption] for window in self.selection.windows]

        def distance(members: Sequence[int]) -> float:
            return set_distance([one for i in members for one in real[i]], [features[i] for i in members])

        value = distance(range(len(features)))
        rng = np.random.default_rng(0)
        spread = [distance(rng.integers(len(features), size=len(features))) for _ in range(resamples)]
        if not spread:
            return Estimate(value, None, None, len(features))
        low, high = np.quantile(np.array(spread) - np.mean(spread), (0.025, 0.975)) + value
        return Estimate(value, max(0.0, float(low)), float(high), len(features))


def evaluate_quality(
    pipelines: Mapping[str, RhythmicFoleyPipeline],
    listener: Listener,
    *,
    variants: Mapping[str, Parts] | None = None,
    coded: bool = False,
    steps: int | None = None,
    batch: int = 8,
    quick: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> tuple[Row, ...]:
    """Floor, one row for each model and variant, ceiling.

    Args:
        pipelines: by name; all get the same noise for the same window.
        variants: parts of the model by name; None for everything.
        coded: also a row for the real windows' mels through the first model's autoencoder and vocoder.
        steps, batch, quick: as `generate` takes them.
    """
    requests = requests_of(listener.selection.windows)
    rows = [listener.floor()]
    if coded:
        rows.append(listener.generated(CODED, _coded(next(iter(pipelines.values())), listener)))
    for model, pipeline in pipelines.items():
        for variant, parts in (variants or {"": ABLATIONS["everything"]}).items():
            name = ", ".join(part for part in (model, variant) if part)
            sounds = []
            for sound in generate(pipeline, requests, parts, steps=steps, batch=batch, quick=quick):
                sounds.append(sound)
                progress(f"{name}: window {len(sounds)} of {len(requests)}")
            rows.append(listener.generated(name, sounds))
    return (*rows, listener.ceiling())


@torch.no_grad()
def _coded(pipeline: RhythmicFoleyPipeline, listener: Listener) -> list[Generated]:
    """What is lost without any diffusion."""
    sounds = []
    for window in listener.selection.windows:
        mel = pipeline.decode(pipeline.encode(torch.from_numpy(window.mel(listener.scenes)))[None])
        wave = pipeline.vocoder(mel)[0].cpu().numpy()
        sounds.append(Generated(wave, pipeline.vocoder.sample_rate_hz, mel[0].cpu().numpy()))
    return sounds
