"""The pipeline at toy size: what each condition and each strength does to the sound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler
from toy import toy_pipeline

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import UNKNOWN, SoundEvent
from rhythmic_foley.onsets import Onsets
from rhythmic_foley.pipeline import FoleyOutput, RhythmicFoleyPipeline

DOG = SoundEvent("dog barking", start_s=1.0, end_s=4.0)
HITS = Onsets.of([1.0, 2.5, 4.0])


@pytest.fixture(scope="module")
def pipeline() -> RhythmicFoleyPipeline:
    return toy_pipeline()


def run(pipeline: RhythmicFoleyPipeline, **changes: object) -> torch.Tensor:
    """The latent of a short run."""
    noise = torch.randn(pipeline.latent_shape, generator=torch.Generator().manual_seed(changes.pop("seed", 1)))
    request = {"events": [DOG], "onsets": HITS, "steps": 2, "noise": noise} | changes
    return pipeline(**request).latent


def test_a_window_is_512_mel_frames_and_8_192_seconds(pipeline: RhythmicFoleyPipeline) -> None:
    output = pipeline(events=[DOG], onsets=HITS, steps=1)
    assert output.mel.shape == (128, 512)
    assert output.wave.shape == (131_072,)
    assert output.latent.shape == pipeline.latent_shape == (4, 16, 64)
    assert pipeline.window_s == pytest.approx(8.192)


def test_stream_yields_every_step_and_then_the_output(pipeline: RhythmicFoleyPipeline) -> None:
    items = list(pipeline.stream(events=[DOG], steps=3))
    assert items[:-1] == [1, 2, 3]
    assert isinstance(items[-1], FoleyOutput)


def test_same_noise_same_sound_other_noise_another(pipeline: RhythmicFoleyPipeline) -> None:
    assert torch.equal(run(pipeline), run(pipeline))
    assert not torch.allclose(run(pipeline), run(pipeline, seed=2), atol=1e-2)


def test_generator_draws_the_noise(pipeline: RhythmicFoleyPipeline) -> None:
    first, same, other = (
        pipeline(steps=1, generator=torch.Generator().manual_seed(seed)).latent for seed in (5, 5, 6)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_strength_0_is_the_base_to_the_bit(pipeline: RhythmicFoleyPipeline) -> None:
    """Whatever the adapters hold: with both off, only the UNet speaks."""
    base = toy_pipeline()
    for adapter in (base.semantic_adapter, base.temporal_adapter):
        for parameter in adapter.parameters():
            torch.nn.init.constant_(parameter, float("nan"))
    off = {"semantic_scale": 0.0, "temporal_scale": 0.0}
    assert torch.equal(run(pipeline, **off), run(base, **off))


@pytest.mark.parametrize("scale", ["semantic_scale", "temporal_scale"])
def test_each_strength_changes_the_result(pipeline: RhythmicFoleyPipeline, scale: str) -> None:
    results = [run(pipeline, **{scale: value}) for value in (0.0, 0.5, 1.0)]
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert (results[i] - results[j]).abs().max() > 1e-3


@pytest.mark.parametrize(
    "change",
    [
        {"events": [SoundEvent("rain falling")]},
        {"events": [SoundEvent("dog barking", start_s=5.0, end_s=7.0)]},
        {"onsets": Onsets.of([1.0, 2.5])},
        {"onsets": Onsets.of([1.0, 2.5, 4.0], [1.0, 0.5, 1.0])},
        {"onsets": Onsets.of([1.016, 2.5, 4.0])},
        {"negative": "music"},
        {"guidance_scale": 1.0},
        {"steps": 3},
    ],
    ids=["what", "where", "onset removed", "softer onset", "onset 16 ms later", "negative", "guidance", "steps"],
)
def test_each_condition_changes_the_result(pipeline: RhythmicFoleyPipeline, change: dict[str, object]) -> None:
    assert (run(pipeline) - run(pipeline, **change)).abs().max() > 1e-5


def test_unknown_events_are_left_out(pipeline: RhythmicFoleyPipeline) -> None:
    assert torch.equal(run(pipeline, events=[SoundEvent(UNKNOWN)]), run(pipeline, events=[]))


def test_other_schedulers_work(pipeline: RhythmicFoleyPipeline) -> None:
    default = pipeline.scheduler
    try:
        for kind in (DDIMScheduler, EulerDiscreteScheduler):
            pipeline.scheduler = kind.from_config(default.config)
            assert torch.isfinite(run(pipeline)).all()
    finally:
        pipeline.scheduler = default


def test_two_requests_at_once_do_not_disturb_each_other(pipeline: RhythmicFoleyPipeline) -> None:
    """Schedulers keep state; interleaved requests must give what they give alone."""
    noise = torch.randn(pipeline.latent_shape, generator=torch.Generator().manual_seed(1))
    request = {"events": [DOG], "onsets": HITS, "noise": noise}
    one, two = pipeline.stream(**request, steps=2), pipeline.stream(**request, steps=4)
    next(one), next(two), next(one), next(two)
    (*_, first), (*_, second) = one, two
    assert torch.equal(first.latent, run(pipeline, steps=2))
    assert torch.equal(second.latent, run(pipeline, steps=4))


def test_saves_and_loads(pipeline: RhythmicFoleyPipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path)
    again = RhythmicFoleyPipeline.from_pretrained(tmp_path)
    assert torch.equal(run(pipeline), run(again))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"semantic_scale": -1.0}, "semantic strength must be between 0 and 3"),
        ({"temporal_scale": 9.0}, "temporal strength must be between 0 and 3"),
        ({"guidance_scale": 0.0}, "guidance scale must be between 1 and 20"),
        ({"steps": 0}, "number of steps must be between 1 and 200"),
    ],
)
def test_numbers_out_of_range_are_refused(
    pipeline: RhythmicFoleyPipeline, change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(FoleyError, match=sentence):
        run(pipeline, **change)


def test_the_shipped_checkpoint_loads_in_a_fresh_process() -> None:
    """Diffusers loads only classes whose modules are imported; the tests' own imports must not be what does it."""
    code = (
        "from rhythmic_foley.checkpoints import find_checkpoint, load_pipeline\n"
        "print(sorted(load_pipeline(find_checkpoint('mini'), 'cpu').components))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert "temporal_adapter" in result.stdout, result.stderr
