"""YAMNet and Melception as measuring networks: shapes, patches, files, and the reference's mel pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.inception import Inception
from rhythmic_foley.evaluation.metrics.networks import MelceptionOutputs, YamnetOutputs, specvqgan_mel, yamnet_classes
from rhythmic_foley.evaluation.metrics.onset_metrics import resample
from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.yamnet import Yamnet

TOY = (4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6)
STATISTICS = "train_means_stds_melspec_10s_22050hz.txt"


@pytest.fixture
def yamnet() -> YamnetOutputs:
    torch.manual_seed(0)
    return YamnetOutputs(Yamnet(TOY, stem_channels=4, classes=5))


def sound(seconds: float, rate_hz: int = 16_000) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * rate_hz)).astype(np.float32)


def test_heads_name_the_network(yamnet: YamnetOutputs) -> None:
    assert YamnetOutputs(Yamnet()).distance_head == "FD (YAMNet, 1024-d)"
    assert YamnetOutputs(Yamnet()).divergence_head == "MKL (YAMNet, 521 classes, stand-in for Melception)"
    assert yamnet.distance_head == "FD (YAMNet, 6-d)"


def test_there_are_521_classes() -> None:
    classes = yamnet_classes()
    assert len(classes) == len(set(classes)) == 521
    assert (classes[0], classes[-1]) == ("Speech", "Field recording")


@pytest.mark.parametrize("seconds", [0.3, 0.975, 1.0, 3.0])
def test_outputs_of_any_length(yamnet: YamnetOutputs, seconds: float) -> None:
    outputs = yamnet(sound(seconds), 16_000)
    assert outputs.features.shape == (6,) and outputs.logits.shape == (5,)
    assert np.isfinite(outputs.features).all() and np.isfinite(outputs.logits).all()


@pytest.mark.parametrize(("samples", "patches"), [(100, 1), (15_600, 1), (15_601, 2), (15_600 + 7680, 2)])
def test_patches_lie_as_in_the_original(
    yamnet: YamnetOutputs, monkeypatch: pytest.MonkeyPatch, samples: int, patches: int
) -> None:
    """One of 0.975 s, then one more for each begun 0.48 s; the first is the first 96 frames."""
    seen: list[torch.Tensor] = []
    forward = yamnet.network.forward
    monkeypatch.setattr(yamnet.network, "forward", lambda x: seen.append(x) or forward(x))
    yamnet(np.ones(samples, np.float32), 16_000)
    assert seen[0].shape == (patches, 96, 64)
    assert torch.isfinite(seen[0]).all()
    silent_frames = (seen[0][-1] == np.log(np.float32(0.001))).all(dim=1).sum()
    assert silent_frames == (0 if samples in (15_600, 23_280) else silent_frames)


def test_logits_belong_to_the_mean_embedding(yamnet: YamnetOutputs) -> None:
    outputs = yamnet(sound(2.0), 16_000)
    with torch.no_grad():
        logits = yamnet.network.head(torch.from_numpy(outputs.features))
    assert outputs.logits == pytest.approx(logits.numpy(), abs=1e-5)


def test_other_rates_are_resampled(yamnet: YamnetOutputs) -> None:
    wave = np.sin(2 * np.pi * 500 * np.arange(48_000) / 48_000).astype(np.float32)
    at_16k = yamnet(resample(wave, 48_000, 16_000), 16_000)
    assert yamnet(wave, 48_000).features == pytest.approx(at_16k.features, abs=1e-5)


def test_yamnet_is_read_from_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    AlignedEncoder(token_dim=4, text_dim=4, width=4, yamnet_channels=TOY, yamnet_stem=4).half().save_pretrained(
        tmp_path / "mini" / "aligned_encoder"
    )
    monkeypatch.setenv("RHYTHMIC_FOLEY_CHECKPOINTS", str(tmp_path))
    for path in (None, tmp_path / "mini", tmp_path / "mini" / "aligned_encoder"):
        network = YamnetOutputs.load(path)
        assert network(sound(1.0), 16_000).features.dtype == np.float32


def test_without_yamnet_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHYTHMIC_FOLEY_CHECKPOINTS", str(tmp_path))
    with pytest.raises(FoleyError, match="no YAMNet in"):
        YamnetOutputs.load()
    (tmp_path / "yamnet.npz").write_bytes(b"no archive")
    with pytest.raises(FoleyError, match="fetch it again"):
        YamnetOutputs.load(tmp_path / "yamnet.npz")


def test_yamnet_names_a_puppy(shared_dir: Path) -> None:
    weights = shared_dir / "weights/yamnet_fp16.npz"
    wave, rate_hz = soundfile.read(shared_dir / "reference/metrics/fixtures/audio/puppy.flac", dtype="float32")
    outputs = YamnetOutputs.load(weights)(wave, rate_hz)
    assert outputs.features.shape == (1024,)
    first = [yamnet_classes()[i] for i in np.argsort(-outputs.logits)[:3]]
    assert "Dog" in first or "Bark" in first
    assert yamnet_classes() == tuple((shared_dir / "weights/yamnet_classes.txt").read_text().splitlines())


def test_mel_pictures_are_specvqgans(shared_dir: Path) -> None:
    folder = shared_dir / "reference/metrics/fixtures"
    reference = np.load(folder / "specvqgan_mel.npz")
    for name in reference.files:
        wave, rate_hz = soundfile.read(folder / f"audio/{name}.flac", dtype="float32")
        wave = resample(wave, rate_hz, 22_050)
        picture = specvqgan_mel(np.pad(wave, (0, 220_500 - len(wave))))
        assert picture.shape == (80, 862)
        assert np.abs(picture[:, 3:520] - reference[name][:, 3:].astype(np.float32)).max() < 2e-3, name


def test_inception_has_the_published_size() -> None:
    with torch.device("meta"):
        original, melception = Inception(), Inception(channels=1, classes=309, early_pools=False)
    assert sum(p.numel() for p in original.parameters()) == 23_834_568  # torchvision's, without the auxiliary head
    assert melception.fc.weight.shape == (309, 2048)
    assert melception(torch.zeros(1, 1, 80, 848, device="meta"))[0].shape == (1, 2048)


def seeded(network: torch.nn.Module) -> torch.nn.Module:
    """Weights from one stream in the order of their names, so that numbers can be compared across programs."""
    rng, state = np.random.Generator(np.random.PCG64(0)), {}
    for name, value in sorted(network.state_dict().items()):
        if value.ndim:
            numbers = torch.from_numpy(rng.standard_normal(tuple(value.shape), dtype=np.float32))
            if value.ndim > 1:
                state[name] = numbers * (2 / value[0].numel()) ** 0.5
            else:
                variance = name.endswith(("running_var", "bn.weight"))
                state[name] = 1 + 0.1 * numbers.abs() if variance else 0.1 * numbers
    network.load_state_dict(state, strict=False)
    return network.eval()


def test_inception_is_the_published_network() -> None:
    """Numbers of torchvision 0.28's Inception3, changed as Melception changes it, with the same seeded weights."""
    network = seeded(Inception(channels=1, classes=309, early_pools=False))
    picture = np.random.Generator(np.random.PCG64(1)).standard_normal((1, 1, 80, 200), dtype=np.float32)
    with torch.no_grad():
        features, logits = network(torch.from_numpy(picture))
    assert features[0, [700, 2047]].tolist() == pytest.approx([3.99775, 0.412898], rel=1e-3)
    assert logits[0, :4].tolist() == pytest.approx([-1.82401, -1.92086, 7.34166, -4.59264], rel=1e-3)


@pytest.fixture
def statistics() -> str:
    return "\n".join(f"{0.5 + band / 1000} 0.1" for band in range(80))


def test_melception_is_read_from_its_checkpoint(tmp_path: Path, statistics: str) -> None:
    torch.manual_seed(0)
    network = Inception(channels=1, classes=309, early_pools=False)
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    checkpoint = {"model": {**state, "module.AuxLogits.fc.bias": torch.zeros(3)}, "loss": np.float64(1.5)}
    torch.save(checkpoint, tmp_path / "melception.pt")
    with pytest.raises(FoleyError, match=STATISTICS):
        MelceptionOutputs.load(tmp_path / "melception.pt")
    (tmp_path / STATISTICS).write_text(statistics)
    melception = MelceptionOutputs.load(tmp_path / "melception.pt")
    assert melception.distance_head == "FID (Melception, 2048-d)"
    outputs = melception(sound(1.0, 22_050), 22_050)
    assert outputs.features.shape == (2048,) and outputs.logits.shape == (309,)


def test_a_file_that_is_not_melception(tmp_path: Path, statistics: str) -> None:
    (tmp_path / STATISTICS).write_text(statistics)
    torch.save({"model": {"fc.bias": torch.zeros(309)}}, tmp_path / "melception.pt")
    with pytest.raises(FoleyError, match="not Melception's checkpoint"):
        MelceptionOutputs.load(tmp_path / "melception.pt")


def test_bands_are_normalised_one_by_one(reference_dir: Path) -> None:
    numbers = json.loads((reference_dir / "metrics/fixtures/melception_norm.json").read_text(encoding="utf-8"))
    assert len(numbers["means"]) == len(numbers["stds"]) == 80
    seen: list[torch.Tensor] = []

    class Spy(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            seen.append(x)
            return torch.zeros(1, 2048), torch.zeros(1, 309)

    MelceptionOutputs(Spy(), numbers["means"], numbers["stds"])(np.zeros(100, np.float32), 22_050)
    assert seen[0].shape == (1, 1, 80, 848)
    silent = -np.array(numbers["means"]) / np.array(numbers["stds"])
    assert seen[0][0, 0, :, 400].numpy() == pytest.approx(silent, rel=1e-5)
