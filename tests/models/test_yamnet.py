"""YAMNet: the front end's frames, and what it says of plain sounds."""

from __future__ import annotations

import math

import pytest
import torch

from rhythmic_foley.models.yamnet import Yamnet, patches_at, yamnet_mel


def test_front_end_has_a_frame_each_10_ms() -> None:
    mel = yamnet_mel(torch.zeros(16_000))
    assert mel.shape == (64, 1 + (16_000 - 400) // 160)
    assert mel.unique().tolist() == pytest.approx([math.log(0.001)])


def test_a_tone_lights_its_band() -> None:
    """1 kHz in HTK mel, among 64 bands from 125 to 7500 Hz."""
    mel = yamnet_mel(torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000))
    low, high, tone = (1127 * math.log1p(hz / 700) for hz in (125, 7500, 1000))
    assert abs(int(mel.mean(dim=1).argmax()) - (65 * (tone - low) / (high - low) - 1)) <= 1


def test_patches_are_centred_and_silent_beyond_the_ends() -> None:
    mel = torch.arange(200.0).expand(64, 200)
    patches = patches_at(mel, torch.tensor([0.0, 1.0]))
    assert patches.shape == (2, 96, 64)
    assert patches[1, 48, 0] == 100
    assert patches[0, 47, 0] == pytest.approx(math.log(0.001))
    assert patches[0, 48, 0] == 0


def test_toy_size() -> None:
    embeddings, scores = Yamnet(channels=(4,) * 13, stem_channels=4, classes=7).eval()(torch.randn(3, 96, 64))
    assert embeddings.shape == (3, 4) and scores.shape == (3, 7)
    assert scores.min() >= 0 and scores.max() <= 1


def test_published_weights_name_real_sounds(shared_dir: object) -> None:
    from rhythmic_foley.media.reading import read_audio
    from rhythmic_foley.training.prepare import load_yamnet

    names = (shared_dir / "weights" / "yamnet_classes.txt").read_text().splitlines()
    network = load_yamnet(shared_dir / "weights" / "yamnet_fp16.npz")
    for pattern, words in (("vas_dog*", {"Dog", "Animal"}), ("vggsound_1aD*", {"Baby cry, infant cry"})):
        (clip,) = (shared_dir / "clips").glob(pattern)
        mel = yamnet_mel(torch.from_numpy(read_audio(clip, 16_000)))
        with torch.no_grad():
            scores = network(patches_at(mel, torch.arange(0.5, 5.5, 0.5)))[1].mean(dim=0)
        assert words & {names[i] for i in scores.topk(4).indices}
