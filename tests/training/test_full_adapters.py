"""Training the full-size adapters, at toy size: they learn, go on where they stopped, and spare the base."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from clip_text import toy_clip
from toy import toy_full_size_unet

from rhythmic_foley.models.adapters import Adapter
from rhythmic_foley.models.cond_stage import CondStage
from rhythmic_foley.models.full_size import new_semantic_adapter, new_temporal_adapter
from rhythmic_foley.models.sizes import TOY
from rhythmic_foley.training.full.adapters import Base, Training, Words, train_semantic, train_temporal
from rhythmic_foley.training.full.examples import Example, Shards, record_of
from rhythmic_foley.training.full.shards import write_shard
from rhythmic_foley.training.loop import Schedule
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

TEXT_DIM = 16
TRAINING = Training(Schedule(steps=12, learning_rate=2e-2, warmup=1, ema_decay=0.0, log_every=3), batch_size=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """Sounds whose latents show what sounds and when it hits, so that there is something to learn."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("shards")

    def example(number: int) -> Example:
        columns = np.sort(rng.choice(64, 6, replace=False))
        latent = np.full((4, 16, 64), -1.0 if number % 2 else 1.0)
        latent[:, :, columns] *= -2
        name = ("rain", "drum")[number % 2]
        onsets = Onsets.of(columns * 0.128 + 0.01)
        return Example(latent, rng.standard_normal((32, 6)), name, (SoundEvent(name),), onsets)

    write_shard(folder / "0.tar", ((str(number), record_of(example(number))) for number in range(8)))
    return Shards(folder)


@pytest.fixture
def base() -> Base:
    torch.manual_seed(0)
    return Base(toy_full_size_unet(), CondStage(6, TOY.token_dim))


Job = Callable[[Adapter, Base, Shards, Training, Path], None]


def semantic(adapter: Adapter, base: Base, data: Shards, training: Training, run: Path) -> None:
    train_semantic(adapter, base, Words(*toy_clip(TEXT_DIM)), data, training, run)


def new(job: Job, base: Base) -> Adapter:
    torch.manual_seed(1)
    return new_semantic_adapter(base.unet, TEXT_DIM) if job is semantic else new_temporal_adapter(base.unet)


@pytest.mark.parametrize("job", [semantic, train_temporal])
def test_it_learns_and_the_base_stays(job: Job, base: Base, data: Shards, tmp_path: Path) -> None:
    before = deepcopy(base.unet.state_dict())
    job(new(job, base), base, data, TRAINING, tmp_path)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.8 * losses[0]
    for name, value in base.unet.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("job", [semantic, train_temporal])
def test_a_run_that_was_cut_off_ends_like_an_unbroken_one(
    job: Job, base: Base, data: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = replace(TRAINING, schedule=replace(TRAINING.schedule, steps=5, save_every_s=0.0))
    unbroken, resumed = new(job, base), new(job, base)
    job(unbroken, base, data, training, tmp_path / "unbroken")

    draw = Shards.draw

    def cut_off(self: Shards, number: int, size: int, *, seed: int = 0) -> object:
        if number == 3:
            raise KeyboardInterrupt
        return draw(self, number, size, seed=seed)

    monkeypatch.setattr(Shards, "draw", cut_off)
    with pytest.raises(KeyboardInterrupt):
        job(resumed, base, data, training, tmp_path / "resumed")
    monkeypatch.setattr(Shards, "draw", draw)
    resumed = new(job, base)
    job(resumed, base, data, training, tmp_path / "resumed")
    for name, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


def test_gradient_checkpointing_changes_nothing(base: Base, data: Shards, tmp_path: Path) -> None:
    ends = []
    for number, less_memory in enumerate((False, True)):
        short = replace(TRAINING, schedule=replace(TRAINING.schedule, steps=2), gradient_checkpointing=less_memory)
        adapter = new(train_temporal, base)
        train_temporal(adapter, base, data, short, tmp_path / str(number))
        ends.append(adapter.controlnet.controlnet_mid_block.weight)
    torch.testing.assert_close(*ends)
