"""The event detector trained on film, at toy size: what it should say comes from the clip's own sound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import make_clip

from rhythmic_foley import cli
from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.training.event_detector.fit import MOTION_SHARE
from rhythmic_foley.training.full.watching import Watched, sounding
from rhythmic_foley.vision.onset_detector import load_detector

HITS_S = (0.4, 1.2, 1.6)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("motion")
    (folder / "clips" / "hammering").mkdir(parents=True)
    for number in range(2):
        path = folder / "clips" / "hammering" / f"{number}.mp4"
        make_clip(path, duration_s=2.5, fps=12, size=(64, 96), click_times_s=HITS_S, audio="clicks")
    make_clip(folder / "clips" / "hammering" / "silent.mp4")
    (folder / "list.txt").write_text("hammering/0\nhammering/1\nhammering/silent\n")
    prepare = ["train-full", "prepare", "listed", str(folder / "clips"), "--table", str(folder / "list.txt")]
    assert cli.main([*prepare, "--for", "event-detector", "--out", str(folder / "shards")]) == 0
    return folder / "shards"


def test_targets_are_heard_in_the_sound(shards: Path) -> None:
    watched = Watched(shards)
    assert len(watched) == 2, "the silent one is left out"
    example = watched[0]
    assert example.grids.shape[2] <= example.grids.shape[3], "an upright clip's grid is turned"
    assert len(example.grids) == len(example.clips) == len(example.targets) > 65
    assert example.onsets_s == pytest.approx(HITS_S, abs=0.02)
    peaks = [round(time_s * 30) for time_s in HITS_S]
    assert example.targets[peaks, 0].min() > 0.7 and example.targets[24:30, 0].max() < 0.1
    assert example.targets[12, 1] == 1 and example.targets[27, 1] == 0


def test_sounding_is_relative_to_the_loudest() -> None:
    wave = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    wave[8000:16000], wave[24000:] = 0.5, 0.005  # 40 dB below is not heard
    heard = sounding(wave, np.array([0.0, 0.6, 0.9, 1.2, 1.7]))
    assert heard.tolist() == [0, 1, 1, 0, 0]


def test_the_command_trains_calibrates_goes_on_and_puts_it_into_the_checkpoint(shards: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    EventDetector(widths=(4, 6), hidden=8).save_pretrained(tmp_path / "start")

    def train(steps: int, name: str) -> EventDetector:
        recipe = tmp_path / f"{name}.toml"
        recipe.write_text(
            f'shards = "{shards.as_posix()}"\nheld_out = "{shards.as_posix()}"\nwarmup = 1\nweight_decay = 0.0\n'
            f'run = "{(tmp_path / name).as_posix()}"\ncheckpoint = "{(tmp_path / name / "model").as_posix()}"\n'
            f'start = "{(tmp_path / "start").as_posix()}"\nsteps = {steps}\nlearning_rate = 2e-2\nbatch_size = 4\n'
        )
        assert cli.main(["train-full", "event-detector", str(recipe)]) == 0
        return load_detector(tmp_path / name / "model")

    trained = train(40, "run")
    losses = [json.loads(line)["loss"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.9 * losses[0]
    assert trained.config.slope != 1.0 and trained.config.motion_share == MOTION_SHARE
    again = train(40, "run")
    for name, value in trained.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), "there was nothing left to do"


def test_sounds_without_a_picture_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "hit.wav").touch()
    prepare = ["train-full", "prepare", "sounds", str(tmp_path), "--for", "event-detector", "--out", str(tmp_path)]
    assert cli.main(prepare) == 2
    assert "sounds have none" in capsys.readouterr().err
    with pytest.raises(FoleyError, match="no prepared shards"):
        Watched(tmp_path)
