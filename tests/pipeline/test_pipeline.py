"""The pipeline at toy size: what each condition and each strength does to the sound."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler
from torch.nn import functional as F
from toy import toy_pipeline

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.guidance import onset_loss
from rhythmic_foley.pipeline.pipeline import FoleyOutput, RhythmicFoleyPipeline
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.schedulers import UnroundedDPMSolver
from rhythmic_foley.values.events import UNKNOWN, SoundEvent
from rhythmic_foley.values.onsets import Onsets

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


@contextmanager
def scheduler_of(pipeline: RhythmicFoleyPipeline, kind: type | None) -> Iterator[None]:
    """The pipeline with another scheduler for a while; None is the published one on its unrounded grid."""
    default = pipeline.scheduler
    config = {**default.config, "prediction_type": "v_prediction"}
    pipeline.scheduler = UnroundedDPMSolver.from_config(config) if kind is None else kind.from_config(config)
    try:
        yield
    finally:
        pipeline.scheduler = default


def test_a_window_is_512_mel_frames_and_8_192_seconds(pipeline: RhythmicFoleyPipeline) -> None:
    output = pipeline(events=[DOG], onsets=HITS, steps=1)
    assert output.mel.shape == (128, 512)
    assert output.wave.shape == (131_072,)
    assert output.latent.shape == pipeline.latent_shape == (4, 16, 64)
    assert pipeline.window_s == pytest.approx(8.192)


def test_stream_yields_every_step_and_then_the_output(pipeline: RhythmicFoleyPipeline) -> None:
    *steps, output = pipeline.stream(events=[DOG], steps=3)
    assert [step.number for step in steps] == [1, 2, 3]
    assert isinstance(output, FoleyOutput)
    assert {step.latent.shape for step in steps} == {pipeline.latent_shape}


def test_steps_show_the_finished_sound_ever_better(pipeline: RhythmicFoleyPipeline) -> None:
    """The last step of a sampler that ends free of noise is its result, to rounding."""
    *steps, output = pipeline.stream(events=[DOG], steps=6)
    errors = [(step.latent - output.latent).abs().mean().item() for step in steps]
    assert errors[-1] < 1e-5 < errors[0]
    assert pipeline.decode(steps[0].latent[None]).shape == (1, 128, 512)


@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, DDIMScheduler, EulerDiscreteScheduler, None])
def test_a_stretch_is_made_anew_and_the_rest_stays_to_the_bit(
    pipeline: RhythmicFoleyPipeline, kind: type | None
) -> None:
    first = run(pipeline, seed=3)
    anew = torch.zeros(64)
    anew[20:30] = 1
    with scheduler_of(pipeline, kind):
        *steps, output = pipeline.stream(events=[DOG], onsets=HITS, steps=4, keep=(first, anew))
    assert torch.equal(output.latent[..., anew == 0], first[..., anew == 0])
    assert (output.latent[..., anew == 1] - first[..., anew == 1]).abs().min() > 0
    assert torch.isfinite(output.latent).all()
    for step in steps:
        assert torch.equal(step.latent[..., anew == 0], first[..., anew == 0])


def test_what_is_made_anew_hears_what_stays(pipeline: RhythmicFoleyPipeline) -> None:
    anew = torch.zeros(64)
    anew[20:30] = 1
    sounds = [run(pipeline, seed=seed) for seed in (3, 4)]
    stretches = [run(pipeline, keep=(sound, anew))[..., 20:30] for sound in sounds]
    assert (stretches[0] - stretches[1]).abs().max() > 1e-4


@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, DDIMScheduler, EulerDiscreteScheduler, None])
def test_a_sound_to_begin_with(pipeline: RhythmicFoleyPipeline, kind: type | None) -> None:
    """The less of the way is gone, the fewer steps are run and the nearer the result."""
    reference = run(pipeline, seed=3)
    with scheduler_of(pipeline, kind):
        runs = {
            strength: list(pipeline.stream(events=[DOG], steps=10, start_from=(reference, strength)))
            for strength in (0.01, 0.3, 0.6, 1.0)
        }
        noise = torch.Generator().manual_seed(9)
        plain = pipeline(events=[DOG], steps=10, generator=noise).latent
        whole = pipeline(
            events=[DOG], steps=10, generator=torch.Generator().manual_seed(9), start_from=(reference, 1.0)
        ).latent
    assert [len(items) - 1 for items in runs.values()] == [1, 3, 6, 10]
    distances = [(items[-1].latent - reference).abs().mean().item() for items in runs.values()]
    assert distances == sorted(distances)
    assert torch.equal(plain, whole)


def test_a_mel_becomes_a_latent_and_comes_back(pipeline: RhythmicFoleyPipeline) -> None:
    mel = torch.rand(128, 37)
    latent = pipeline.encode(mel)
    assert latent.shape == (4, 16, 5)
    expected = pipeline.vae(F.pad(mel, (0, 3))[None, None])[:, 0].clamp(0, 1)
    assert torch.allclose(pipeline.decode(latent[None]), expected, atol=1e-6)


def test_the_rate_is_the_vocoders(pipeline: RhythmicFoleyPipeline) -> None:
    assert pipeline.sample_rate_hz == 16_000


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


@pytest.mark.parametrize("kind", [DDIMScheduler, EulerDiscreteScheduler])
def test_other_schedulers_work(pipeline: RhythmicFoleyPipeline, kind: type) -> None:
    with scheduler_of(pipeline, kind):
        assert torch.isfinite(run(pipeline)).all()


def test_two_requests_at_once_do_not_disturb_each_other(pipeline: RhythmicFoleyPipeline) -> None:
    """Schedulers keep state; interleaved requests must give what they give alone."""
    noise = torch.randn(pipeline.latent_shape, generator=torch.Generator().manual_seed(1))
    request = {"events": [DOG], "onsets": HITS, "noise": noise}
    one, two = pipeline.stream(**request, steps=2), pipeline.stream(**request, steps=4)
    next(one), next(two), next(one), next(two)
    (*_, first), (*_, second) = one, two
    assert torch.equal(first.latent, run(pipeline, steps=2))
    assert torch.equal(second.latent, run(pipeline, steps=4))


def test_guidance_towards_onsets_needs_no_adapter(pipeline: RhythmicFoleyPipeline) -> None:
    """The decoded mel rises more where it should; where nobody knows when, nothing is steered."""
    alone = {"semantic_scale": 0.0, "temporal_scale": 0.0, "guidance_scale": 1.0, "steps": 4}
    strengths = torch.from_numpy(HITS.to_mask(512, 62.5))
    losses = [
        onset_loss(pipeline.decode(run(pipeline, **alone, onset_guidance=scale)[None]), strengths).item()
        for scale in (0.0, 0.1, 0.2)
    ]
    assert losses[0] > 1.1 * losses[1] > 1.2 * losses[2]
    unknown = [run(pipeline, **alone, onsets=None, onset_guidance=scale) for scale in (0.0, 1.0)]
    assert torch.equal(*unknown)


def test_halves_of_the_guidance_one_after_the_other(pipeline: RhythmicFoleyPipeline) -> None:
    slow = toy_pipeline()
    slow.rows_at_once = 1
    torch.testing.assert_close(run(slow, negative="music"), run(pipeline, negative="music"), atol=1e-4, rtol=0)


def requests(pipeline: RhythmicFoleyPipeline, **changes: object) -> list[WindowRequest]:
    """Three windows that differ in all that windows of one batch may differ in."""
    first = run(pipeline, seed=9)
    anew = (torch.arange(64) < 20).float()
    noise = torch.randn((3, *pipeline.latent_shape), generator=torch.Generator().manual_seed(1))
    return [
        WindowRequest(events=[DOG], onsets=HITS, steps=2, noise=noise[0], **changes),
        WindowRequest(events=[SoundEvent("rain")], onsets=None, steps=2, noise=noise[1], start_s=3.0, **changes),
        WindowRequest(onsets=Onsets.of([2.0]), steps=2, noise=noise[2], keep=(first, anew), **changes),
    ]


@pytest.mark.parametrize("changes", [{}, {"guidance_scale": 1.0}, {"negative": "music", "onset_guidance": 1.0}])
def test_windows_together_are_what_they_are_alone(pipeline: RhythmicFoleyPipeline, changes: dict) -> None:
    asked = requests(pipeline, **changes)
    *steps, outputs = pipeline.stream_together(asked)
    assert [[step.number for step in items] for items in steps] == [[1, 1, 1], [2, 2, 2]]
    for request, output in zip(asked, outputs, strict=True):
        alone = pipeline(**vars(request))
        torch.testing.assert_close(output.latent, alone.latent, atol=2e-4, rtol=0)
        torch.testing.assert_close(output.mel, alone.mel, atol=2e-4, rtol=0)
        assert output.wave.shape == alone.wave.shape
    kept, anew = asked[2].keep
    assert torch.equal(outputs[2].latent[..., anew == 0], kept[..., anew == 0])


def test_windows_together_from_other_sounds(pipeline: RhythmicFoleyPipeline) -> None:
    begun = [run(pipeline, seed=seed) for seed in (1, 2, 3)]
    asked = [replace(r, start_from=(b, 0.5)) for r, b in zip(requests(pipeline), begun, strict=True)]
    *_, outputs = pipeline.stream_together(asked)
    for request, output in zip(asked, outputs, strict=True):
        torch.testing.assert_close(output.latent, pipeline(**vars(request)).latent, atol=2e-4, rtol=0)


@pytest.mark.parametrize("change", [{"steps": 3}, {"negative": "music"}, {"temporal_scale": 0.5}])
def test_windows_that_differ_in_what_they_share_are_refused(pipeline: RhythmicFoleyPipeline, change: dict) -> None:
    asked = requests(pipeline)
    with pytest.raises(ValueError, match=f"the same {next(iter(change))}"):
        next(pipeline.stream_together([*asked[:2], replace(asked[2], **change)]))


def test_what_does_not_fit_is_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six rows do not fit, nor do three; two do, and are not exceeded again."""
    pipeline, sizes = toy_pipeline(), []
    asked = requests(pipeline)
    *_, wanted = pipeline.stream_together(asked)
    forward = pipeline.unet.forward

    def small(sample: torch.Tensor, *args: object, **kwargs: object) -> object:
        sizes.append(len(sample))
        if len(sample) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(sample, *args, **kwargs)

    monkeypatch.setattr(pipeline.unet, "forward", small)
    *_, found = pipeline.stream_together(asked)
    assert sizes == [6, 3, 2, 2, 2, 2, 2, 2]
    assert pipeline.short_of_memory
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.latent, other.latent, atol=2e-4, rtol=0)


def test_steps_in_half_precision(pipeline: RhythmicFoleyPipeline) -> None:
    """Nearly the same sound; what goes in and comes out, and all that is not run at every step, stays as it was."""
    half = toy_pipeline()
    half.run_steps_in(torch.bfloat16)
    found, wanted = run(half), run(pipeline)
    assert half.unet.dtype == half.temporal_adapter.dtype == torch.bfloat16
    assert half.vae.dtype == half.aligned_encoder.dtype == found.dtype == torch.float32
    assert 0 < (found - wanted).norm() / wanted.norm() < 0.05


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
        ({"onset_guidance": 4.0}, "onset guidance's strength must be between 0 and 3"),
        ({"classifier_scale": -1.0}, "classifier's scale must not be below 0"),
        ({"classifier_scale": 50.0}, "came without a classifier"),
        ({"steps": 0}, "number of steps must be between 1 and 200"),
        ({"start_from": (torch.zeros(4, 16, 64), 0.0)}, "made anew must be above 0 and at most 1"),
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
        "from rhythmic_foley.pipeline.loading import find_checkpoint, load_pipeline\n"
        "print(sorted(load_pipeline(find_checkpoint('mini'), 'cpu').components))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert "temporal_adapter" in result.stdout, result.stderr


def test_guidance_acts_between_two_timesteps_and_costs_a_row_only_there(pipeline: RhythmicFoleyPipeline) -> None:
    rows: list[int] = []
    hook = pipeline.unet.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    usual = {name: pipeline.config[name] for name in ("guided_from", "guided_to")}
    try:
        everywhere = run(pipeline, steps=4, guidance_scale=3.0)
        assert rows == [2, 2, 2, 2]
        pipeline.register_to_config(guided_from=400.0)
        later = run(pipeline, steps=4, guidance_scale=3.0)
        assert rows[4:] == [2, 2, 2, 1]  # trailing timesteps: 999, 749, 499, 249
        pipeline.register_to_config(guided_from=1000.0)
        nowhere = run(pipeline, steps=4, guidance_scale=3.0)
        assert rows[8:] == [1, 1, 1, 1]
    finally:
        pipeline.register_to_config(**usual)
        hook.remove()
    torch.testing.assert_close(nowhere, run(pipeline, steps=4, guidance_scale=1.0))
    assert not torch.equal(later, everywhere) and not torch.equal(later, nowhere)
