"""CAVP: shapes, time, and the published network's habits, at toy size."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rhythmic_foley.media.reading import read_frames
from rhythmic_foley.models.cavp import CHUNK_FRAMES, FRAME_RATE_HZ, Cavp, frames_to_video, pool_clips


@pytest.fixture(scope="module")
def cavp() -> Cavp:
    torch.manual_seed(0)
    return Cavp(video_width=2, video_blocks=(1, 1, 1, 1), audio_channels=(2, 2, 4, 4, 4, 8), feature_dim=6).eval()


@torch.no_grad()
def test_a_feature_for_each_frame(cavp: Cavp) -> None:
    video = torch.rand(2, 5, 3, 32, 32)
    features = cavp.encode_video(video)
    assert features.shape == (2, 5, 6)
    assert torch.allclose(features.norm(dim=-1), torch.ones(2, 5))
    assert torch.allclose(features, F.normalize(cavp.project_video(video), dim=-1))


@torch.no_grad()
def test_a_frame_sees_its_neighbours_only(cavp: Cavp) -> None:
    """One block in each of the last two stages looks a frame to either side."""
    video = torch.rand(1, 12, 3, 32, 32)
    changed = video.clone()
    changed[:, 6] = 0
    moved = (cavp.project_video(video) - cavp.project_video(changed)).abs().amax(dim=-1)[0]
    assert moved.nonzero().flatten().tolist() == [4, 5, 6, 7, 8]


@torch.no_grad()
def test_long_clips_go_in_chunks(cavp: Cavp) -> None:
    """As the published extractor does: a chunk's ends see nothing beyond."""
    video = torch.rand(1, CHUNK_FRAMES + 3, 3, 32, 32)
    features = cavp.encode_video(video)
    assert features.shape == (1, CHUNK_FRAMES + 3, 6)
    assert torch.allclose(features[:, CHUNK_FRAMES:], cavp.encode_video(video[:, CHUNK_FRAMES:]), atol=1e-6)


@torch.no_grad()
def test_a_feature_for_16_columns_of_sound(cavp: Cavp) -> None:
    features = cavp.encode_audio(torch.rand(2, 128, 256))
    assert features.shape == (2, 16, 6)
    assert torch.allclose(features.norm(dim=-1), torch.ones(2, 16))
    assert cavp.encode_audio(torch.rand(1, 128, 512)).shape == (1, 32, 6)


@torch.no_grad()
def test_a_layer_is_used_twice(cavp: Cavp) -> None:
    """With that layer's weight at 0 its output is its bias, through the ReLU, and nothing of the sound is left."""
    once = Cavp.from_config(cavp.config).eval()
    once.load_state_dict(cavp.state_dict())
    torch.nn.init.eye_(once.spec_encoder.fc1.weight)
    torch.nn.init.ones_(once.spec_encoder.fc1.bias)
    torch.nn.init.zeros_(once.spec_encoder.final_project.bias)
    for number in range(1, 7):
        torch.nn.init.zeros_(once.spec_encoder.get_submodule(f"conv_block{number}").bn2.weight)
        torch.nn.init.zeros_(once.spec_encoder.get_submodule(f"conv_block{number}").bn2.bias)
    found = once.project_audio(torch.rand(1, 128, 32))[0, 0]
    assert torch.allclose(found, 2 * once.spec_encoder.final_project.weight.sum(dim=1))


def test_clips_are_pooled_before_they_are_normalised() -> None:
    features = torch.zeros(1, 33, 2)
    features[0, 3], features[0, 20], features[0, 32] = torch.tensor([[3.0, 4.0], [0.0, 2.0], [9.0, 9.0]])
    pooled = pool_clips(features)
    assert torch.allclose(pooled, torch.tensor([[[0.6, 0.8], [0.0, 1.0]]])), "a rest of less than 16 is left out"
    with pytest.raises(ValueError, match="16"):
        pool_clips(features[:, :15])


@torch.no_grad()
def test_what_training_compares(cavp: Cavp) -> None:
    video, audio, scale = cavp(torch.rand(2, 16, 3, 32, 32), torch.rand(2, 128, 256))
    assert video.shape == audio.shape == (2, 1, 6)
    assert scale.item() == pytest.approx(1 / 0.07)
    hot = Cavp.from_config(cavp.config).eval()
    hot.logit_scale.fill_(10.0)
    assert hot(torch.rand(1, 16, 3, 32, 32), torch.rand(1, 128, 256))[2].item() == pytest.approx(100.0)


def test_frames_as_the_network_takes_them() -> None:
    frames = torch.zeros(2, 224, 224, 3, dtype=torch.uint8)
    frames[1, 2, 3] = torch.tensor([255, 51, 0])
    video = frames_to_video(frames)
    assert video.shape == (1, 2, 3, 224, 224)
    assert video[0, 1, :, 2, 3].tolist() == pytest.approx([1.0, 0.2, 0.0])


def test_frames_of_another_shape_are_squeezed_and_smoothed() -> None:
    stripes = torch.zeros(448, 672, 3, dtype=torch.uint8)
    stripes[:, ::2] = 255  # finer than a small pixel: grey, not a pattern
    video = frames_to_video(frame for frame in [stripes])
    assert video.shape == (1, 1, 3, 224, 224)
    assert (video - 0.5).abs().max() < 0.12


def test_frames_are_resized_as_the_published_extractor_does(shared_dir: Path) -> None:
    """The first frame of a real clip, against its pixels in the reference."""
    path = shared_dir / "clips" / "difffoley_drum.mp4"
    _, frame = next(read_frames(path, FRAME_RATE_HZ, start_s=0.5 / FRAME_RATE_HZ))
    fixture = np.load(shared_dir / "reference" / "diff_foley" / "fixtures" / "video_demo_clips.npz")
    found = frames_to_video([torch.from_numpy(frame)])[0, 0].numpy() * 255
    error = np.abs(found - fixture["drum_frame0_direct_224_uint8"])
    assert error.mean() < 0.5 and error.max() <= 8


def test_gradients_reach_both_sides(cavp: Cavp) -> None:
    model = Cavp.from_config(cavp.config).train()
    video, audio, scale = model(torch.rand(2, 16, 3, 32, 32), torch.rand(2, 128, 256))
    (scale * (video * audio).sum()).backward()
    assert model.logit_scale.grad is not None
    assert model.video_encoder.conv1.conv.weight.grad.abs().sum() > 0
    assert model.spec_encoder.conv_block1.conv1.weight.grad.abs().sum() > 0


def test_round_trip(cavp: Cavp, tmp_path: Path) -> None:
    cavp.save_pretrained(tmp_path)
    loaded = Cavp.from_pretrained(tmp_path)
    mel = torch.rand(1, 128, 64)
    with torch.no_grad():
        assert torch.equal(loaded.encode_audio(mel), cavp.encode_audio(mel))
    assert loaded.logit_scale.item() == pytest.approx(math.log(1 / 0.07))
