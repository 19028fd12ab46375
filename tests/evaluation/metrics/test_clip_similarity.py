"""CLIP similarity with toy networks: published names are read, sound and picture are embedded as is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    CLIPVisionModelWithProjection,
)

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.clip_similarity import ClipSimilarity, Wav2Clip, read_wav2clip
from rhythmic_foley.media.reading import probe, read_frames

WIDTHS = (4, 4, 6, 8)
WAVE = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.1


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Wav2Clip]:
    """A checkpoint named like the published one, with what it has besides."""
    torch.manual_seed(0)
    network = Wav2Clip(WIDTHS).eval()
    state = {}
    for name, value in network.state_dict().items():
        own = name.startswith("transform.")
        state[name.replace("transform.", "audio_transform.sequential.") if own else f"audio_encoder.{name}"] = value
    state |= {"audio_encoder.fc.weight": torch.zeros(3, 8), "audio_encoder.spectrogram.window": torch.zeros(512)}
    state["image_transform.weight"] = torch.zeros(2)
    path = tmp_path_factory.mktemp("wav2clip") / "ResNet_CX.ckpt"
    torch.save({"state_dict": state, "epoch": 3}, path)
    return path, network


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("clip")
    CLIPVisionModelWithProjection(clip_config()).save_pretrained(folder)
    square = {"height": 32, "width": 32}
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=square).save_pretrained(folder)
    return folder


def test_full_size_has_the_published_shape() -> None:
    state = Wav2Clip().state_dict()
    weights = sum(value.numel() for name, value in state.items() if name.startswith(("conv", "layer")))
    # A ResNet-18 of one input channel without its last layer: 11,689,512 - 513,000 less two thirds of conv1.
    batch_norm_buffers = sum(v.numel() for n, v in state.items() if "running" in n or "num_batches" in n)
    first_norm = sum(value.numel() for name, value in state.items() if name.startswith("bn1."))
    parameters = weights + first_norm - batch_norm_buffers
    assert parameters == 11_689_512 - 513_000 - 2 * 64 * 49
    assert state["transform.3.weight"].shape == (512, 512)


def test_the_published_names_are_read(published: tuple[Path, Wav2Clip]) -> None:
    path, network = published
    with torch.inference_mode():
        torch.testing.assert_close(read_wav2clip(path)(torch.from_numpy(WAVE)), network(torch.from_numpy(WAVE)))


def test_loudness_does_not_matter(published: tuple[Path, Wav2Clip]) -> None:
    """The spectrum is normalised as a whole."""
    _, network = published
    with torch.inference_mode():
        one, other = (network(torch.from_numpy(WAVE * gain)) for gain in (1.0, 2.0))
    assert float(F.cosine_similarity(one, other, dim=0)) == pytest.approx(1.0, abs=1e-3)


def test_score_is_the_cosine_of_sound_and_mean_frame(published, clip_folder: Path, clip: Path) -> None:
    path, network = published
    measure = ClipSimilarity.load(clip_folder, path)
    score = measure.score(WAVE, 16_000, clip)
    vision = CLIPVisionModelWithProjection.from_pretrained(clip_folder).eval()
    frames = [frame for _, frame in read_frames(clip, probe(clip).fps / 30)]
    with torch.inference_mode():
        pixels = CLIPImageProcessor.from_pretrained(clip_folder)(images=frames, return_tensors="pt")["pixel_values"]
        seen = F.normalize(vision(pixels).image_embeds, dim=-1).mean(dim=0)
        heard = network(torch.from_numpy(WAVE))
    assert score == pytest.approx(100 * float(F.cosine_similarity(heard, seen, dim=0)), abs=1e-3)
    assert measure.score(WAVE, 16_000, clip) == score


def clip_config(**changes: int) -> CLIPVisionConfig:
    size = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    return CLIPVisionConfig(**size, **{"image_size": 32, "patch_size": 16, "projection_dim": 8, **changes})


def test_the_whole_of_clip_is_read_as_it_is_published(published, clip_folder: Path, tmp_path: Path) -> None:
    """The published folder holds the reader of texts too."""
    torch.manual_seed(2)
    text = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(vision_config=clip_config().to_dict(), text_config=text, projection_dim=8)
    whole = CLIPModel(config).eval()
    whole.save_pretrained(tmp_path)
    CLIPImageProcessor.from_pretrained(clip_folder).save_pretrained(tmp_path)
    measure = ClipSimilarity.load(tmp_path, published[0])
    pixels = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        seen = whole.visual_projection(whole.vision_model(pixels).pooler_output)
        torch.testing.assert_close(measure.clip(pixels).image_embeds, seen)


@pytest.mark.parametrize(
    ("network", "changes", "said"),
    [
        (CLIPVisionModel, {}, "not the whole of CLIP: visual_projection.weight is missing"),
        (CLIPVisionModelWithProjection, {"projection_dim": 6}, "not ViT-B/32: it has 6 numbers a picture"),
    ],
)
def test_another_clip_is_a_sentence(published, clip_folder: Path, tmp_path: Path, network, changes, said: str) -> None:
    network(clip_config(**changes)).save_pretrained(tmp_path)
    CLIPImageProcessor.from_pretrained(clip_folder).save_pretrained(tmp_path)
    with pytest.raises(FoleyError, match=said):
        ClipSimilarity.load(tmp_path, published[0])


def test_wrong_files_are_sentences(published, clip_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"nothing")
    with pytest.raises(FoleyError, match="no PyTorch checkpoint"):
        ClipSimilarity.load(clip_folder, tmp_path / "x.ckpt")
    torch.save({"state_dict": {"audio_encoder.conv1.weight": torch.zeros(4, 1, 7, 7)}}, tmp_path / "y.ckpt")
    with pytest.raises(FoleyError, match="not Wav2CLIP's checkpoint"):
        ClipSimilarity.load(clip_folder, tmp_path / "y.ckpt")
    with pytest.raises(FoleyError, match="CLIP as transformers keeps it"):
        ClipSimilarity.load(tmp_path, published[0])
