"""The vocoder's stage: targets of known sounds, and a toy that learns."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from sounds import write_library

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models import sizes
from rhythmic_foley.models.synthesis import band_centres_hz
from rhythmic_foley.models.vocoder import FoleyVocoder, Levels
from rhythmic_foley.training.loop import Schedule
from rhythmic_foley.training.stages import Workshop
from rhythmic_foley.training.vocoder import (
    Examples,
    band_amplitudes,
    level_error,
    prepare_examples,
    train_vocoder,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared examples of a toy library."""
    folder = tmp_path_factory.mktemp("vocoder")
    table = write_library(folder)
    (folder / "sounds_44k").mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        wave = rng.standard_normal(3 * 44_100) * np.exp(-np.arange(3 * 44_100) / 60_000) * 0.1
        soundfile.write(folder / "sounds_44k" / f"s{number}.ogg", wave, 44_100)
    prepare_examples(table, folder / "examples")
    return folder / "examples"


def test_bands_say_where_and_when():
    wave = torch.zeros(44_100)
    clock_s = torch.arange(441) / 44_100
    wave[22_050:22_491] = torch.sin(2 * torch.pi * 10_000 * clock_s)  # 10 ms from 0.5 s on
    amplitudes = band_amplitudes(wave)
    assert amplitudes.shape == (62, 4, 32)
    subframe, band = divmod(int(amplitudes.flatten(0, 1).argmax()), 32)
    assert band == int((band_centres_hz() - 10_000).abs().argmin())
    assert (subframe - 1.5) * 0.004 == pytest.approx(0.505, abs=0.004)


def test_examples_are_mels_and_their_levels(folder: Path):
    examples = Examples.load(folder)
    count = len(examples.mels)
    assert examples.mels.shape == (count, 704, 128)
    assert examples.bins.shape == (count, 704, 513)
    assert examples.bands.shape == (count, 704, 4, 32)
    # Where the mel is loud, so are the levels.
    mel, bins = examples.mels[0].mean(axis=1), examples.bins[0].mean(axis=1)
    assert np.corrcoef(mel.astype(float), bins.astype(float))[0, 1] > 0.95


def test_examples_are_made_once(folder: Path):
    before = (folder / "examples.npz").stat().st_mtime_ns
    prepare_examples(folder / "nowhere.csv", folder)
    assert (folder / "examples.npz").stat().st_mtime_ns == before
    with pytest.raises(FoleyError, match="train prepare"):
        Examples.load(folder / "nowhere")


def test_training_brings_the_levels_nearer(folder: Path, tmp_path: Path):
    examples = Examples.load(folder)
    torch.manual_seed(0)
    vocoder = FoleyVocoder(width=8, hidden=16, depth=1)

    @torch.no_grad()
    def error() -> float:
        mel = torch.from_numpy(examples.mels[:1]).float().transpose(1, 2)
        target = Levels(torch.from_numpy(examples.bins[:1]).float(), torch.from_numpy(examples.bands[:1]).float())
        return float(level_error(vocoder.levels(mel), target))

    before = error()
    schedule = Schedule(steps=25, learning_rate=0.01, warmup=2, ema_decay=0.5)
    train_vocoder(vocoder, examples, torch.nn.Identity(), schedule, tmp_path)  # an autoencoder that loses nothing
    assert error() < 0.8 * before


def test_the_stage_leaves_a_trained_vocoder(folder: Path, tmp_path: Path):
    (tmp_path / "runs").mkdir()
    shutil.copytree(folder, tmp_path / "runs" / "vocoder")
    sizes.new_autoencoder(sizes.TOY).save_pretrained(tmp_path / "checkpoint" / "vae")
    workshop = Workshop(
        tmp_path / "none", tmp_path / "none.npz", tmp_path / "checkpoint", tmp_path / "runs", size=sizes.TOY
    )
    workshop.train("vocoder", 1)
    vocoder = FoleyVocoder.from_pretrained(tmp_path / "checkpoint" / "vocoder")
    assert vocoder.config.width == sizes.TOY.vocoder_width
    assert vocoder.head.bias.abs().sum() > 0
