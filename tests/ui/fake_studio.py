"""A studio without networks, for testing the page: real small files, clicks at the wanted onsets."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.audio import SAMPLE_RATE_HZ, log_mel, write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import SoundEvent
from rhythmic_foley.media import mux, probe, read_audio
from rhythmic_foley.motion import DEFAULT_THRESHOLD, Curve, pick_onsets
from rhythmic_foley.onsets import Onsets, match_onsets
from rhythmic_foley.plots import mel_image
from rhythmic_foley.studio import Analysis, Controls, Progress, Take

PEAKS_S = (0.3, 0.8, 1.4)
HEIGHTS = (1.0, 0.7, 0.3)


class FakeStudio:
    """Remembers what it was asked; `fails` is raised instead of answering."""

    def __init__(self, step_s: float = 0.0, fails: Exception | None = None) -> None:
        self.step_s = step_s
        self.fails = fails
        self.analysed: list[dict[str, bool]] = []
        self.requests: list[Controls] = []
        self.folders: list[Path] = []
        self.closed = 0

    def analyse(
        self, path: str | Path, *, describe: bool = True, find_onsets: bool = True
    ) -> Iterator[Progress | Analysis]:
        """Three peaks and one bark, whatever the clip shows."""
        self.analysed.append({"describe": describe, "find_onsets": find_onsets})
        clip = probe(path)
        yield Progress(0.5, "Looking", 1.0)
        if self.fails and (describe or find_onsets):
            raise self.fails
        time.sleep(self.step_s)
        times_s = np.arange(0, max(clip.duration_s, 2.0), 0.05)
        values = np.zeros_like(times_s)
        for peak_s, height in zip(PEAKS_S, HEIGHTS, strict=True):
            values[round(peak_s / 0.05)] = height
        curve = Curve(times_s, values)
        yield Analysis(
            clip=clip,
            digest="0" * 64,
            events=(SoundEvent("dog barking", "small, close", 0.0, None, 0.62),) if describe else (),
            onsets=pick_onsets(curve, DEFAULT_THRESHOLD) if find_onsets else Onsets(),
            threshold=DEFAULT_THRESHOLD,
            curve=curve,
            describer="fake",
            notes=(),
        )

    def dub(self, analysis: Analysis, controls: Controls, out_dir: Path) -> Iterator[Progress | Take]:
        """Clicks at the onsets, one file of each kind a take."""
        self.requests.append(controls)
        self.folders.append(out_dir)
        onsets = analysis.onsets if controls.onsets is None else controls.onsets
        first = random.randint(0, 10**6) if controls.seed is None else controls.seed
        try:
            for number in range(controls.takes):
                for step in range(controls.steps):
                    yield Progress(step / controls.steps, f"Take {number + 1}, step {step + 1}", 1.0)
                    time.sleep(self.step_s)
                yield self._take(analysis, controls, onsets, first + number, out_dir)
        finally:
            self.closed += 1

    def original_mel(self, analysis: Analysis, out_dir: Path) -> Path | None:
        """A picture for clips that have sound."""
        if not analysis.clip.has_audio:
            return None
        return _picture(read_audio(analysis.clip.path, SAMPLE_RATE_HZ), out_dir / "original.png")

    def _take(self, analysis: Analysis, controls: Controls, onsets: Onsets, seed: int, out_dir: Path) -> Take:
        if self.fails:
            raise self.fails
        folder = out_dir / f"take-{seed}"
        folder.mkdir()
        wave = clicks(onsets.times_s, analysis.clip.duration_s)
        write_wav(folder / "sound.wav", wave, SAMPLE_RATE_HZ)
        mux(analysis.clip.path, wave, SAMPLE_RATE_HZ, folder / "dub.mp4")
        settings = folder / "settings.json"
        settings.write_text(json.dumps({"seed": seed, "negative": controls.negative}))
        measured = match_onsets(onsets.times_s, onsets.times_s[:-1], 0.1)
        return Take(
            name=f"take-{seed}",
            folder=folder,
            video=folder / "dub.mp4",
            wav=folder / "sound.wav",
            mel=_picture(wave, folder / "mel.png", onsets.times_s),
            settings=settings,
            seed=seed,
            measured=measured,
            notes=(),
        )


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


def _picture(wave: np.ndarray, path: Path, onsets_s: tuple[float, ...] = ()) -> Path:
    mel_image(log_mel(torch.from_numpy(wave)), path, onsets_s=onsets_s)
    return path
