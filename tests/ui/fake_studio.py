"""A studio without networks, for testing the page: real small files, clicks at the wanted onsets."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.audio.mixing import Mix
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe
from rhythmic_foley.studio.mixdown import MixedSound
from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.studio.takes import Draft, write_take
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve, pick_onsets
from rhythmic_foley.values.events import SoundEvent, Suggestion
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis, Progress, StemSound, Take, TakeSound

PEAKS_S = (0.3, 0.8, 1.4)
HEIGHTS = (1.0, 0.7, 0.3)


class FakeDescribers:
    """Names that can be chosen; none of them needs much memory."""

    names = ("fake", "talker")

    def __getitem__(self, name: str | None) -> SimpleNamespace:
        return SimpleNamespace(is_large=False)


class FakeStudio:
    """Remembers what it was asked; `fails` is raised instead of answering."""

    folder = Path("fake")
    defaults = Controls()
    describers = FakeDescribers()
    has_classifier = False

    def __init__(self, step_s: float = 0.0, fails: Exception | None = None) -> None:
        self.step_s = step_s
        self.fails = fails
        self.analysed: list[dict[str, bool]] = []
        self.asked: list[str | None] = []
        self.heard: list[tuple[str, Path | None]] = []
        self.requests: list[Controls] = []
        self.folders: list[Path] = []
        self.closed = 0
        self.libraries: tuple[Path, ...] = ()

    def load_ahead(self, controls: Controls) -> None:
        """There is nothing to load."""

    analyse_for = Studio.analyse_for  # the real rule of what is looked at

    def analyse(
        self,
        path: str | Path,
        *,
        describe: bool = True,
        find_onsets: bool = True,
        describer: str | None = None,
        onsets_from: str = "picture",
        guide: Path | None = None,
    ) -> Iterator[Progress | Analysis]:
        """Three peaks and one bark, whatever the clip shows."""
        looked = describe or find_onsets
        if looked:
            self.analysed.append({"describe": describe, "find_onsets": find_onsets})
            self.asked.append(describer if describe else "nobody")
            self.heard.append((onsets_from, guide))
        clip = probe(path)
        yield Progress(0.5, "Looking", 1.0)
        if self.fails and looked:
            raise self.fails
        time.sleep(self.step_s)
        times_s = np.arange(0, max(clip.duration_s, 2.0), 0.05)
        values = np.zeros_like(times_s)
        for peak_s, height in zip(PEAKS_S, HEIGHTS, strict=True):
            values[round(peak_s / 0.05)] = height
        curve = Curve(times_s, values) if find_onsets else Curve(np.zeros(0), np.zeros(0))
        yield Analysis(
            clip=clip,
            digest="0" * 64,
            suggestions=(Suggestion("dog barking", 0.62), Suggestion("rain falling", 0.1)) if describe else (),
            events=(SoundEvent("dog barking", "small, close", 0.0, None, 0.62),) if describe else (),
            onsets=pick_onsets(curve, DEFAULT_THRESHOLD) if find_onsets else Onsets(),
            threshold=DEFAULT_THRESHOLD,
            curve=curve,
            describer=describer or "fake",
            notes=(),
        )

    def dub(
        self, analysis: Analysis, controls: Controls, out_dir: Path, *, previews: bool = False
    ) -> Iterator[Progress | Take]:
        """Clicks at all wanted onsets but the last."""
        self.requests.append(controls)
        self.folders.append(out_dir)
        onsets = analysis.onsets if controls.onsets is None else controls.onsets
        first = random.randint(0, 10**6) if controls.seed is None else controls.seed
        try:
            for number in range(controls.takes):
                for step in range(controls.steps):
                    mel = np.full((128, 64), step / controls.steps, dtype=np.float32) if previews else None
                    yield Progress(step / controls.steps, f"Take {number + 1}, step {step + 1}", 1.0, mel)
                    time.sleep(self.step_s)
                if self.fails:
                    raise self.fails
                asked = replace(controls, seed=first + number, takes=1, onsets=onsets, events=controls.events or ())
                wave = clicks(onsets.times_s[:-1], analysis.clip.duration_s)
                yield write_take(
                    Draft(
                        clip=analysis.clip.path,
                        title=analysis.clip.path.stem,
                        asked=asked,
                        onsets=onsets,
                        sound=TakeSound((StemSound("dog barking", wave),), SAMPLE_RATE_HZ),
                        mixed=MixedSound(wave, SAMPLE_RATE_HZ, Mix(), (("dog barking", wave),)),
                    ),
                    out_dir,
                )
        finally:
            self.closed += 1


def clicks(times_s: tuple[float, ...], duration_s: float) -> np.ndarray:
    """Short decaying noise bursts at the given times."""
    wave = np.zeros(round(duration_s * SAMPLE_RATE_HZ), dtype=np.float32)
    burst = np.random.default_rng(0).standard_normal(800) * np.exp(-np.arange(800) / 150) * 0.3
    for time_s in times_s:
        start = round(time_s * SAMPLE_RATE_HZ)
        wave[start : start + 800] += burst[: max(0, len(wave) - start)][:800].astype(np.float32)
    return wave


def broken() -> FoleyError:
    """An error that a person can act on."""
    return FoleyError("This clip has no picture; choose another one.")
