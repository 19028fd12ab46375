"""From clips to an adapter in the checkpoint, at toy size, by the commands."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import pytest
import torch
from clip_text import toy_clip
from clips import make_clip
from sounds import write_library
from toy import toy_full_size_unet

from rhythmic_foley import cli
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.cond_stage import CondStage
from rhythmic_foley.models.full_size import new_semantic_adapter, new_temporal_adapter
from rhythmic_foley.models.sizes import TOY
from rhythmic_foley.models.vocoder import GriffinLim
from rhythmic_foley.pipeline.loading import load_pipeline
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.schedulers import UnroundedDPMSolver
from rhythmic_foley.training.full.adapters import Base, Training, Words, train_semantic, train_temporal
from rhythmic_foley.training.full.examples import Shards
from rhythmic_foley.training.full.prepare import ExampleMaker, Preparer
from rhythmic_foley.training.full.recipe import AdapterRecipe, CavpRecipe, DetectorRecipe
from rhythmic_foley.training.full.sources import listed_videos, sound_effects
from rhythmic_foley.training.loop import Schedule
from rhythmic_foley.weights.diff_foley import Sizes, new_cavp, new_vae

RECIPES = Path(cli.__file__).parent / "training" / "full" / "recipes"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Diff-Foley's parts at toy size, with random weights."""
    folder = tmp_path_factory.mktemp("diff-foley")
    torch.manual_seed(0)
    sizes = Sizes(
        autoencoder_width=32, video_width=2, video_blocks=(1, 1, 1, 1), audio_channels=(2,) * 6, feature_dim=8
    )
    RhythmicFoleyPipeline(
        unet=toy_full_size_unet(),
        vae=new_vae(sizes),
        scheduler=UnroundedDPMSolver.published(),
        vocoder=GriffinLim(iterations=1),
        cavp=new_cavp(sizes),
        cond_stage=CondStage(8, TOY.token_dim),
    ).save_pretrained(folder)
    tokenizer, text_encoder = toy_clip()
    for part in (tokenizer, text_encoder):
        part.save_pretrained(folder / "clip")
    return folder


def test_sounds_and_clips_become_shards_and_adapters(checkpoint: Path, tmp_path: Path, capsys) -> None:
    sounds = write_library(tmp_path / "sounds").parent
    clips = tmp_path / "clips"
    (clips / "hammering").mkdir(parents=True)
    make_clip(clips / "hammering" / "one.mp4", click_times_s=(0.25, 0.7), audio="clicks")
    make_clip(clips / "hammering" / "silent.mp4")
    (clips / "hammering" / "broken.mp4").write_bytes(b"no clip")
    (clips / "test.txt").write_text("hammering/one\nhammering/silent\nhammering/broken\nhammering/gone\n")

    model = ("--model", str(checkpoint), "--out", str(tmp_path / "shards"))
    listed = ("listed", str(clips), "--table", str(clips / "test.txt"))
    assert cli.main(["train-full", "prepare", *listed, *model]) == 0
    assert capsys.readouterr().out.strip() == "1 clips prepared, 1 missing, 1 without sound, 1 unreadable"
    assert cli.main(["train-full", "prepare", *listed, *model]) == 0
    assert capsys.readouterr().out.startswith("0 clips prepared"), "it was done before"
    (tmp_path / "shards" / "000000.tar").rename(tmp_path / "clips.tar")
    assert cli.main(["train-full", "prepare", "sounds", str(sounds), *model]) == 0
    (tmp_path / "clips.tar").rename(tmp_path / "shards" / "clips.tar")

    shards = Shards(tmp_path / "shards")
    clip = shards[len(shards) - 1]
    assert clip.latent.shape == (4, 16, 78) and clip.features.shape == (4, 8)
    assert (clip.caption, clip.events[0].label) == ("hammering", "hammering")
    assert clip.onsets.times_s == pytest.approx((0.25, 0.7), abs=0.03)
    assert shards[0].features.shape == (40, 8), "of the sound, which has no picture"

    for adapter in ("temporal", "semantic"):
        recipe = tmp_path / f"{adapter}.toml"
        recipe.write_text(
            f'adapter = "{adapter}"\ncheckpoint = "{checkpoint.as_posix()}"\nshards = "{shards.folder.as_posix()}"\n'
            f'run = "{(tmp_path / adapter).as_posix()}"\ntext_encoder = "{(checkpoint / "clip").as_posix()}"\n'
            "steps = 2\nlearning_rate = 1e-3\nbatch_size = 1\n"
        )
        assert cli.main(["train-full", "adapter", str(recipe)]) == 0
    pipeline = load_pipeline(checkpoint, "cpu")
    for adapter in (pipeline.temporal_adapter, pipeline.semantic_adapter):
        assert adapter.controlnet.controlnet_mid_block.weight.abs().sum() > 0
    assert pipeline.text_encoder.config.hidden_size == 16
    index = json.loads((checkpoint / "model_index.json").read_text())
    assert index["text_encoder"] == ["transformers", "CLIPTextModel"]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_in_the_repository(path: Path) -> None:
    kind = {"cavp": CavpRecipe, "event_detector": DetectorRecipe}.get(path.stem, AdapterRecipe)
    recipe = kind.read(path)
    assert recipe.schedule.ema_decay == 0.0
    if kind is AdapterRecipe:
        assert recipe.adapter == path.stem.split("_")[0]
    assert "our own guess" in path.read_text(), "what nobody has tried is said"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("adapter = ", "cannot be read"),
        ('adaptor = "semantic"', 'says "adaptor"'),
        ('adapter = "semantic"', "is incomplete"),
    ],
)
def test_recipes_that_are_none(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(FoleyError, match=sentence):
        AdapterRecipe.read(tmp_path / "recipe.toml")


def test_real_sounds_and_clips_can_be_learned_from(checkpoint: Path, shared_dir: Path, tmp_path: Path) -> None:
    """The loss falls on what the preparation makes of them."""
    with open(shared_dir / "data" / "sounds.csv", encoding="utf-8") as file:
        sounds = [row for _, row in zip(range(3), csv.DictReader(file), strict=False)]
    (tmp_path / "sounds.csv").write_text("".join(f'{row["id"]}.flac,"{row["caption"]}"\n' for row in sounds))
    (tmp_path / "clips.txt").write_text("clips/difffoley_drum\n")
    found = (
        sound_effects(shared_dir / "data" / "sounds", tmp_path / "sounds.csv"),
        listed_videos(tmp_path / "clips.txt", shared_dir),
    )
    pipeline = load_pipeline(checkpoint, "cpu")
    for number, source in enumerate(found):
        Preparer(ExampleMaker(pipeline).record).prepare(source, tmp_path / str(number))
        (tmp_path / str(number) / "000000.tar").rename(tmp_path / f"{number}.tar")
    shards = Shards(tmp_path)
    assert [shards[index].caption for index in range(4)] == [*(row["caption"] for row in sounds), "clips"]
    assert len(shards[3].onsets) > 3 and shards[3].features.shape[0] > 30

    training = Training(Schedule(16, 2e-2, warmup=1, ema_decay=0.0, log_every=4), batch_size=2)
    base, words = Base(pipeline.unet, pipeline.cond_stage), Words(*toy_clip())
    torch.manual_seed(0)
    for run, train in (
        ("temporal", partial(train_temporal, new_temporal_adapter(pipeline.unet), base)),
        ("semantic", partial(train_semantic, new_semantic_adapter(pipeline.unet, 16), base, words)),
    ):
        train(shards, training, tmp_path / run)
        losses = [json.loads(line)["loss"] for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        assert losses[-1] < 0.8 * losses[0]
