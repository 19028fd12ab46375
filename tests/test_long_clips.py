"""Windows of a long clip share memory: what they have in common is made once and heard by both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import make_clip
from toy import save_toy_checkpoint, toy_pipeline

from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.generation import Meter, SoundMaker
from rhythmic_foley.studio.stems import StemPlan
from rhythmic_foley.studio.studio import Fix, Studio, Take
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import GeneratedSound

RAIN = Controls(steps=2, seed=3, events=(SoundEvent("rain falling"),), onsets=Onsets.of([1.0, 12.0]))
SHARED = 8  # latent columns
DURATION_S = 28.0  # four windows


@pytest.fixture(scope="module")
def pipeline() -> RhythmicFoleyPipeline:
    return toy_pipeline()


def make(pipeline: RhythmicFoleyPipeline, cache: Path, controls: Controls = RAIN) -> tuple[GeneratedSound, list[dict]]:
    """A clip's sound, and what the pipeline was asked for."""
    plan = StemPlan(controls, controls.events, controls.onsets, controls.seed)
    seen, original = [], pipeline.stream_together

    def spy(requests: Sequence[WindowRequest]) -> Iterator[object]:
        seen.extend(map(vars, requests))
        return original(requests)

    pipeline.stream_together = spy
    try:
        work = SoundMaker(pipeline, "toy", Cache(cache), DURATION_S).make(plan, Meter(100))
        while True:
            next(work)
    except StopIteration as done:
        return done.value, seen
    finally:
        del pipeline.stream_together


def test_neighbours_hold_the_same_latent_where_they_overlap(pipeline: RhythmicFoleyPipeline, tmp_path: Path) -> None:
    sound, seen = make(pipeline, tmp_path)
    assert len(sound.latents) == len(seen) == 4
    for one, other in zip(sound.latents, sound.latents[1:], strict=False):
        np.testing.assert_array_equal(one[..., -SHARED:], other[..., :SHARED])
    assert [request["keep"] is None for request in seen] == [True, True, False, False]


def test_windows_made_together_are_those_made_one_by_one(
    pipeline: RhythmicFoleyPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, _ = make(pipeline, tmp_path / "alone")
    batches, original = [], pipeline.denoise

    def spy(requests: Sequence[WindowRequest]) -> Iterator[object]:
        batches.append(len(requests))
        return original(requests)

    monkeypatch.setattr(pipeline, "windows_at_once", 8)
    monkeypatch.setattr(pipeline, "denoise", spy)
    together, _ = make(pipeline, tmp_path / "together")
    assert batches == [2, 2]  # every other one, then those between
    np.testing.assert_allclose(together.latents, alone.latents, atol=2e-4)
    assert together.wave.shape == alone.wave.shape


def test_what_lies_between_hears_both_neighbours(pipeline: RhythmicFoleyPipeline, tmp_path: Path) -> None:
    """Another sound in the first window changes the second, but not the third."""
    plain, _ = make(pipeline, tmp_path / "a")
    other, _ = make(pipeline, tmp_path / "b", replace(RAIN, onsets=Onsets.of([2.0, 12.0])))
    changed = [bool(np.abs(one - two).max() > 1e-4) for one, two in zip(plain.latents, other.latents, strict=True)]
    assert changed == [True, True, False, False]


def test_moving_an_onset_makes_only_the_windows_anew_that_see_or_join_it(
    pipeline: RhythmicFoleyPipeline, tmp_path: Path
) -> None:
    make(pipeline, tmp_path)
    _, again = make(pipeline, tmp_path)
    assert again == []
    _, early = make(pipeline, tmp_path, replace(RAIN, onsets=Onsets.of([1.5, 12.0])))
    assert [request["start_s"] for request in early] == pytest.approx([0.0, 7.168])
    _, between = make(pipeline, tmp_path, replace(RAIN, onsets=Onsets.of([1.0, 12.5])))
    assert [request["start_s"] for request in between] == pytest.approx([7.168])


def test_a_fix_across_a_joint_holds_both_sides(tmp_path: Path) -> None:
    """What is made anew is shared by the windows too, and beyond the fades nothing moves."""
    studio = Studio(save_toy_checkpoint(tmp_path / "toy"), cache=Cache(tmp_path / "cache"))
    clip = make_clip(tmp_path / "clip.mp4", duration_s=16.0, fps=5, size=(64, 64))
    *_, analysis = studio.analyse(clip, describe=False, find_onsets=False)

    def dub(controls: Controls) -> tuple[np.ndarray, np.ndarray]:
        (take,) = (item for item in studio.dub(analysis, controls, tmp_path / "out") if isinstance(item, Take))
        with np.load(take.sound) as stored:
            return stored["waves"][0], stored["latents"][0], take.folder

    wave, latents, folder = dub(RAIN)
    fixed_wave, fixed, _ = dub(replace(RAIN, seed=9, fix=Fix(folder, 7.0, 8.0)))
    assert np.abs(fixed - latents)[:2].max(axis=(1, 2, 3)).min() > 1e-3
    for one, other in zip(fixed, fixed[1:], strict=False):
        np.testing.assert_array_equal(one[..., -SHARED:], other[..., :SHARED])
    clock_s = np.arange(len(wave)) / 16_000
    outside = (clock_s < 6.96) | (clock_s > 8.04)
    np.testing.assert_array_equal(fixed_wave[outside], wave[outside])


def test_a_window_of_noise_is_a_stretch_of_the_clips_noise(pipeline: RhythmicFoleyPipeline, tmp_path: Path) -> None:
    _, seen = make(pipeline, tmp_path)
    by_start = sorted(seen, key=lambda request: request["start_s"])
    for one, other in zip(by_start, by_start[1:], strict=False):
        assert torch.equal(one["noise"][..., -SHARED:], other["noise"][..., :SHARED])
