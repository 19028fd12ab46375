"""Every stage of the recipe at toy size, from sounds on disk to a checkpoint that dubs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sounds import write_library, write_toy_scenes
from toy import toy_pipeline

from rhythmic_foley.models.adapters import Adapter
from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.autoencoder import MelAutoencoder
from rhythmic_foley.models.sizes import TOY
from rhythmic_foley.pipeline.loading import load_pipeline
from rhythmic_foley.training.loop import Schedule, train
from rhythmic_foley.training.prepare import SceneSet, prepare
from rhythmic_foley.training.stages import Workshop
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop in which all stages have run."""
    folder = tmp_path_factory.mktemp("workshop")
    toy_pipeline().save_pretrained(folder / "whole")
    checkpoint = folder / "checkpoint"
    for part in ("text_encoder", "tokenizer"):
        shutil.copytree(folder / "whole" / part, checkpoint / part)
    write_toy_scenes(folder / "scenes", write_library(folder / "sounds"), embedding_dim=8)
    workshop = Workshop(folder / "scenes", folder / "none.npz", checkpoint, folder / "runs", size=TOY)
    steps = {"autoencoder": 160, "aligned-encoder": 20, "base": 20, "semantic": 2, "temporal": 2}
    for stage, count in steps.items():
        workshop.train(stage, count)
    workshop.assemble()
    return workshop


def test_every_stage_leaves_its_component_and_a_log(workshop: Workshop) -> None:
    for part in ("vae", "aligned_encoder", "unet", "semantic_adapter", "temporal_adapter"):
        assert (workshop.checkpoint / part / "diffusion_pytorch_model.safetensors").is_file()
    for stage in ("autoencoder", "aligned-encoder", "base"):
        lines = (workshop.runs / stage / "log.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == list(range(20, 20 * len(lines) + 1, 20))


def test_autoencoder_starts_from_principal_components_and_improves(workshop: Workshop) -> None:
    scenes = workshop.scenes
    trained = MelAutoencoder.from_pretrained(workshop.checkpoint / "vae")
    mels = torch.from_numpy(scenes.mels).float()[:, None] / 255
    with torch.no_grad():
        linear = (trained.linear_decoder(trained.encoder(mels)) - mels).abs().mean()
        assert linear < 0.1
        assert (trained(mels) - mels).abs().mean() < linear


def test_adapters_trained_away_from_zero(workshop: Workshop) -> None:
    for part in ("semantic_adapter", "temporal_adapter"):
        adapter = Adapter.from_pretrained(workshop.checkpoint / part)
        assert adapter.controlnet.controlnet_mid_block.weight.abs().sum() > 0


def test_the_assembled_checkpoint_generates(workshop: Workshop) -> None:
    pipeline = load_pipeline(workshop.checkpoint, device="cpu")
    output = pipeline(events=[SoundEvent("hammering wood")], onsets=Onsets.of([1.0]), steps=1)
    assert torch.isfinite(output.wave).all() and output.wave.abs().max() > 0


def test_a_stage_goes_on_from_the_checkpoint(workshop: Workshop, tmp_path: Path) -> None:
    """One step with next to no learning rate leaves the weights it began with, new ones would be others."""
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(workshop.checkpoint, checkpoint)
    before = Adapter.from_pretrained(checkpoint / "temporal_adapter").state_dict()
    replace(workshop, checkpoint=checkpoint, runs=tmp_path, go_on=True).train("temporal", 1, learning_rate=1e-9)
    after = Adapter.from_pretrained(checkpoint / "temporal_adapter").state_dict()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-3, rtol=1e-3)


def test_going_on_leaves_the_audio_side_as_it_is(workshop: Workshop, tmp_path: Path) -> None:
    """The base was trained on the audio side's tokens: only the event side may move, whatever the scenes are now."""
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(workshop.checkpoint, checkpoint)
    before = AlignedEncoder.from_pretrained(checkpoint / "aligned_encoder").state_dict()
    more = replace(workshop, checkpoint=checkpoint, runs=tmp_path, go_on=True)
    more.__dict__["scenes"] = replace(workshop.scenes, embeddings=3 * workshop.scenes.embeddings)
    more.train("aligned-encoder", 3)
    after = AlignedEncoder.from_pretrained(checkpoint / "aligned_encoder").state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith("event_") for name in changed)


def test_a_finished_stage_stays_finished(workshop: Workshop) -> None:
    """Started again, a stage resumes at its last step: there is nothing left to do and nothing is logged."""
    log = workshop.runs / "base" / "log.jsonl"
    before = log.read_text()
    workshop.train("base", 20)
    assert log.read_text() == before


def test_an_interrupted_run_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    def run(folder: Path, *, stops_at: int | None = None) -> torch.Tensor:
        torch.manual_seed(0)
        network = torch.nn.Linear(3, 1)

        def loss_of(step: int) -> torch.Tensor:
            if step == stops_at:
                raise KeyboardInterrupt
            x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
            return (network(x) - x.sum(dim=1, keepdim=True)).square().mean()

        schedule = Schedule(steps=30, learning_rate=0.05, warmup=3, save_every_s=0.0, log_every=10)
        train(network, loss_of, schedule, folder)
        return network.weight.detach()

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", stops_at=17)
    torch.testing.assert_close(run(tmp_path / "broken"), whole, rtol=0, atol=1e-7)


def test_prepare_goes_on_where_it_stopped(tmp_path: Path) -> None:
    table = write_library(tmp_path / "sounds")
    weights = _random_yamnet(tmp_path / "yamnet.npz")
    prepare(table, weights, tmp_path / "scenes", scenes=2, shard=1)
    first, second = (tmp_path / "scenes" / f"scenes_000{i}.npz" for i in range(2))
    kept, content = first.stat().st_mtime_ns, second.read_bytes()
    second.unlink()
    prepare(table, weights, tmp_path / "scenes", scenes=2, shard=1)
    assert first.stat().st_mtime_ns == kept
    assert second.read_bytes() == content
    scenes = SceneSet.load(tmp_path / "scenes")
    assert scenes.mels.shape == (2, 128, 768) and scenes.embeddings.shape == (2, 48, 1024)
    assert scenes.masks.max() <= 1 and (scenes.captions[:, 0] >= 0).all()


def _random_yamnet(path: Path) -> Path:
    """Arrays of the published file's names and shapes."""
    rng = np.random.default_rng(0)
    channels = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    arrays: dict[str, np.ndarray] = {}

    def layer(kernel: str, shape: tuple[int, ...], width: int) -> None:
        number = len({key.split(".")[0] for key in arrays})
        arrays[f"{number}.{kernel}"] = rng.standard_normal(shape) / np.sqrt(np.prod(shape[:3]))
        for name, value in (("beta", 0.1), ("moving_mean", 0.0), ("moving_variance", 1.0)):
            arrays[f"{number + 1}.{name}"] = np.full(width, value)

    layer("kernel", (3, 3, 1, 32), 32)
    for inputs, outputs in zip(channels[:-1], channels[1:], strict=True):
        layer("depthwise_kernel", (3, 3, inputs, 1), inputs)
        layer("kernel", (1, 1, inputs, outputs), outputs)
    arrays["54.kernel"], arrays["54.bias"] = rng.standard_normal((1024, 521)) * 0.03, np.zeros(521)
    np.savez(path, **{key: value.astype(np.float16) for key, value in arrays.items()})
    return path
