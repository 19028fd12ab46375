"""DeSync: the network against numbers of the published code, its file read to the last tensor, clips cut as said."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import make_clip

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.desync import DeSync, segment_mels, sound_segments
from rhythmic_foley.models.synchformer import Synchformer, SynchformerSize
from rhythmic_foley.weights.synchformer import published_name, read_synchformer

# Names and shapes of v-iashin/Synchformer (commit 9287703) built at this size, and what it gives for `numbers` below.
PUBLISHED = json.loads((Path(__file__).parent / "synchformer_toy.json").read_text(encoding="utf-8"))
TOY = SynchformerSize(**PUBLISHED["size"])


def numbers(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Seeded by a name, so that no weights need to be kept."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32) * 0.3)


def checkpoint(path: Path, changes: Mapping[str, torch.Tensor | None] = {}) -> Path:
    state = {name: numbers(name, tuple(shape)) for name, shape in PUBLISHED["shapes"].items()}
    state = {name: tensor for name, tensor in (state | dict(changes)).items() if tensor is not None}
    torch.save({"model": state, "epoch": 3}, path)
    return path


def test_the_published_code_gives_the_same(tmp_path: Path) -> None:
    network = read_synchformer(checkpoint(tmp_path / "s.pt"), TOY)
    frames, mels = numbers("frames", (3, 3, 4, 32, 32)), numbers("mels", (3, 36, 26))
    with torch.inference_mode():
        torch.testing.assert_close(network(frames, mels), torch.tensor(PUBLISHED["logits"]), atol=2e-5, rtol=0)


def test_full_size_is_as_large_as_the_published_file() -> None:
    """MMAudio's synchformer_state_dict.pth has 907 MiB, in float32; a file has some overhead for each tensor."""
    with torch.device("meta"):
        state = Synchformer().state_dict()
    flat_patches = 3 * 16 * 16 * 768 + 768  # lie in the file, unused
    mebibytes = 4 * (sum(tensor.numel() for tensor in state.values()) + flat_patches) / 2**20
    assert 905 < mebibytes < 907
    assert len({published_name(name) for name in state}) == 511
    assert state["sync.place"].shape == (1, 198, 768)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"transformer.off_head.bias": None}, "transformer.off_head.bias is missing"),
        ({"transformer.off_head.bias": torch.zeros(2)}, r"off_head.bias is \(2,\) instead of \(21,\)"),
        ({"vfeat_extractor.blocks.0.attn.qkv.bias": torch.zeros(8)}, "qkv.bias is"),
        ({"sync_head.weight": torch.zeros(2, 8)}, "sync_head.weight is not known"),
    ],
)
def test_another_file_is_a_sentence(tmp_path: Path, changes: dict, said: str) -> None:
    with pytest.raises(FoleyError, match=said):
        read_synchformer(checkpoint(tmp_path / "s.pt", changes), TOY)


def test_no_checkpoint_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"nothing")
    with pytest.raises(FoleyError, match="no PyTorch checkpoint"):
        DeSync.load(tmp_path / "x.pth")


def test_the_mel_is_torchaudios() -> None:
    """Numbers of torchaudio 2.11: MelSpectrogram, logarithm, zeros to 66 frames, AST's mean and deviation."""
    wave = np.sin(2 * np.pi * 1000 * np.arange(20_480) / 16_000).astype(np.float32) * 0.1
    size = SynchformerSize()
    waves = sound_segments(wave, size)
    assert waves.shape == (3, 10_240) and np.array_equal(waves[1], wave[5120:15_360])
    mels = segment_mels(waves, size)
    assert mels.shape == (3, 128, 66)
    picked = [float(mels[0, band, 30]) for band in (10, 44, 45, 90)] + [float(mels[2, 45, 65])]
    assert picked == pytest.approx([-1.03224, 1.02618, 1.01235, -1.0448, 0.46703], abs=1e-4)


class Probe(torch.nn.Module):
    """In place of the network: says how many segments it was given, and an offset that depends on the sound."""

    size = SynchformerSize(side=32)

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[torch.Tensor] = []

    def video(self, frames: torch.Tensor) -> torch.Tensor:
        self.pictures.append(frames)
        return frames.mean(dim=(1, 3, 4))

    def audio(self, mels: torch.Tensor) -> torch.Tensor:
        return mels.mean(dim=(1, 2))

    def sync(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        assert len(video) == len(audio) == 14
        return torch.nn.functional.one_hot(torch.tensor(10 if audio[0] < audio[-1] else 5), 21).float()


def test_first_and_last_window_of_eight_seconds(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4", 9.0, fps=15)
    measure = DeSync(Probe())
    rising = np.random.default_rng(0).standard_normal(9 * 44_100) * np.linspace(0.01, 0.5, 9 * 44_100)
    assert measure.score(rising, 44_100, tmp_path / "a.mp4", 9.0) == 0.0
    assert measure.score(rising[::-1].copy(), 44_100, tmp_path / "a.mp4", 9.0) == pytest.approx(1.0)
    frames = torch.cat(measure.network.pictures)
    assert frames.shape == (24, 3, 16, 32, 32) and -1 <= float(frames.min()) < float(frames.max()) <= 1
    # Rising for the first 4.8 s, falling afterwards: in time in the first window, a second apart in the last.
    middle = np.concatenate([rising[: 4 * 44_100], rising[: 4 * 44_100][::-1]])
    assert measure.score(middle, 44_100, tmp_path / "a.mp4", 8.0) == pytest.approx(0.5)


@pytest.mark.parametrize(("sound_s", "seconds"), [(4.7, 8.0), (8.0, 4.7)])
def test_less_than_one_window_is_no_score(tmp_path: Path, sound_s: float, seconds: float) -> None:
    make_clip(tmp_path / "a.mp4", 6.0, fps=10)
    wave = np.random.default_rng(0).standard_normal(round(sound_s * 16_000)) * 0.1
    assert DeSync(Probe()).score(wave, 16_000, tmp_path / "a.mp4", seconds) is None
