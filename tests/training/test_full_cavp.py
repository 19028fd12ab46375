"""Contrastive training of CAVP at toy size: what is contrasted with what, pairs on disk, the command, going on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import make_clip
from torch.nn import functional as F

from rhythmic_foley import cli
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.cavp import Cavp
from rhythmic_foley.training.full.contrastive import Contrast, contrastive_loss, train_cavp
from rhythmic_foley.training.full.pairs import Pairs, clip_starts, cut_clips
from rhythmic_foley.training.full.runs import take_over
from rhythmic_foley.training.loop import Schedule
from rhythmic_foley.weights.diff_foley import Sizes, new_cavp

SIZES = Sizes(video_width=2, video_blocks=(1, 1, 1, 1), audio_channels=(4, 4, 4, 4, 8, 8), feature_dim=8)
CONTRAST = Contrast(Schedule(8, 2e-2, warmup=1, ema_decay=0.0, log_every=2, save_every_s=0.0), batch_size=3)


class SmallPairs(Pairs):
    """Every fourth pixel is enough to train a toy on."""

    def draw(self, number: int, size: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        frames, mels = super().draw(number, size, seed=seed)
        return frames[..., ::4, ::4], mels


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of which each has a picture and a click of its own, through the command."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "clips" / "one").mkdir(parents=True)
    for number in range(3):
        make_clip(
            folder / "clips" / "one" / f"{number}.mp4",
            duration_s=4.0 - number,
            fps=8,
            size=(32 * (number + 1), 64),
            click_times_s=(0.25, 0.5 + number),
            audio="clicks",
        )
    make_clip(folder / "clips" / "one" / "silent.mp4")
    (folder / "list.txt").write_text("one/0\none/1\none/2\none/silent\none/gone\n")
    prepare = ["train-full", "prepare", "listed", str(folder / "clips"), "--table", str(folder / "list.txt")]
    assert cli.main([*prepare, "--for", "cavp", "--out", str(folder / "shards" / "ours")]) == 0
    return folder / "shards"


def test_pairs_are_as_they_were_shown_and_heard(shards: Path) -> None:
    pairs = Pairs(shards)
    assert len(pairs) == 3
    frames, mel = pairs[2]
    assert frames.shape == (40, 3, 224, 224) and mel.shape == (128, 640)
    loud = mel.amax(dim=0)
    assert loud[16] > 0.5 and loud[10] < 0.3, "the click at 0.25 s"
    assert torch.equal(frames[:8], frames[8:16]) and torch.equal(mel[:, :128], mel[:, 128:256]), "2 s, repeated"


def test_three_clips_of_each_video_side_by_side(shards: Path) -> None:
    for seed in range(20):
        starts = np.sort(clip_starts(np.random.default_rng(seed)))
        assert starts[0] >= 0 and starts[-1] <= 24 and np.diff(starts).min() >= 8
    ((frames, mel),) = cut_clips(torch.arange(40), torch.arange(640).expand(128, -1), (5,))
    assert frames.tolist() == list(range(5, 21)) and mel[0].tolist() == list(range(80, 336))

    pairs = Pairs(shards)
    (frames, mels), (again, _), (other, _) = (pairs.draw(number, 2) for number in (4, 4, 5))
    assert frames.shape == (6, 16, 3, 224, 224) and mels.shape == (6, 128, 256)
    assert 0 <= frames.min() and frames.max() <= 1
    assert torch.equal(frames, again) and not torch.equal(frames, other)


def test_the_loss_is_written_out() -> None:
    """Six clips of two videos: everything against everything, and each video's three among themselves."""
    torch.manual_seed(0)
    video, audio = (F.normalize(torch.randn(6, 5, dtype=torch.float64).float(), dim=-1) for _ in range(2))
    scale = torch.tensor(7.0)

    def entropy(rows: list[int], left: torch.Tensor, right: torch.Tensor) -> list[float]:
        return [
            -torch.log_softmax(scale * torch.stack([left[i] @ right[j] for j in rows]), 0)[rows.index(i)].item()
            for i in rows
        ]

    everything = list(range(6))
    semantic = (np.mean(entropy(everything, video, audio)) + np.mean(entropy(everything, audio, video))) / 2
    within = [
        np.mean(entropy(rows, left, right))
        for rows in ([0, 1, 2], [3, 4, 5])
        for left, right in ((video, audio), (audio, video))
    ]
    assert contrastive_loss(video, audio, scale).item() == pytest.approx(semantic + np.mean(within), rel=1e-5)
    assert contrastive_loss(video, audio, scale, temporal=0.0).item() == pytest.approx(semantic, rel=1e-5)


def test_it_learns_and_a_run_that_was_cut_off_ends_like_an_unbroken_one(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def new() -> Cavp:
        torch.manual_seed(0)
        return new_cavp(SIZES)

    pairs, unbroken, resumed = SmallPairs(shards), new(), new()
    train_cavp(unbroken, pairs, CONTRAST, tmp_path / "unbroken")
    losses = [json.loads(line)["loss"] for line in (tmp_path / "unbroken" / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.9 * losses[0]

    draw = SmallPairs.draw

    def cut_off(self: SmallPairs, number: int, size: int, *, seed: int = 0) -> object:
        if number == 5:
            raise KeyboardInterrupt
        return draw(self, number, size, seed=seed)

    monkeypatch.setattr(SmallPairs, "draw", cut_off)
    with pytest.raises(KeyboardInterrupt):
        train_cavp(resumed, pairs, CONTRAST, tmp_path / "resumed")
    monkeypatch.setattr(SmallPairs, "draw", draw)
    resumed = new()
    train_cavp(resumed, pairs, CONTRAST, tmp_path / "resumed")
    for name, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


def test_the_command_writes_a_network_that_loads(shards: Path, tmp_path: Path) -> None:
    new_cavp(SIZES).save_pretrained(tmp_path / "start")
    (tmp_path / "recipe.toml").write_text(
        f'shards = "{shards.as_posix()}"\nrun = "{(tmp_path / "run").as_posix()}"\n'
        f'out = "{(tmp_path / "out").as_posix()}"\nstart = "{(tmp_path / "start").as_posix()}"\n'
        "steps = 1\nlearning_rate = 1e-3\nbatch_size = 1\n"
    )
    assert cli.main(["train-full", "cavp", str(tmp_path / "recipe.toml")]) == 0
    before, after = (Cavp.from_pretrained(tmp_path / name) for name in ("start", "out"))
    assert not torch.equal(before.video_project_head.weight, after.video_project_head.weight)


def test_published_encoders_to_start_from() -> None:
    """Arrays that fit are taken whatever stands before their names; a first layer for other mels is not."""
    torch.manual_seed(0)
    given, taking = new_cavp(SIZES).video_encoder, new_cavp(SIZES).video_encoder
    state = {f"backbone.{key}": value for key, value in given.state_dict().items()}
    state["backbone.conv1.conv.weight"] = torch.zeros(1, 2, 3)
    state["cls_head.fc_cls.weight"] = torch.zeros(400, 16)
    own = taking.conv1.conv.weight.clone()
    assert take_over(taking, state) == len(given.state_dict()) - 1
    assert torch.equal(taking.layer4[0].conv2.conv.weight, given.layer4[0].conv2.conv.weight)
    assert torch.equal(taking.conv1.conv.weight, own)
    with pytest.raises(FoleyError, match="nothing that fits"):
        take_over(taking, {"encoder.weight": torch.zeros(3)})
