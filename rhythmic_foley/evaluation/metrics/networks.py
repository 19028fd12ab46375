"""Networks whose outputs the distances compare: YAMNet, which comes with the project, and Melception from its file.

Scores from different networks do not compare, so each carries the name that belongs into a column's head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from rhythmic_foley.audio.yamnet_classes import yamnet_classes as yamnet_classes
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.inception import Inception
from rhythmic_foley.evaluation.metrics.onset_metrics import resample
from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.yamnet import PATCH_FRAMES, Yamnet, from_keras_arrays, patches_at, yamnet_mel
from rhythmic_foley.pipeline.loading import roots
from rhythmic_foley.weights.checkpoint import read_state

_YAMNET_RATE_HZ = 16_000
_YAMNET_HOP_FRAMES = PATCH_FRAMES // 2
_YAMNET_FRAME = 400  # samples
_YAMNET_FRAME_HOP = 160


@dataclass(frozen=True)
class ClipOutputs:
    """What a network says of a clip: features (D,) for Frechet distances, logits (C,) for the KL divergence."""

    features: np.ndarray
    logits: np.ndarray


class SoundNetwork(Protocol):
    """A network that turns a clip's sound into features and class logits.

    Attributes:
        key: short name for files.
        distance_head: head of the column of Frechet distances.
        divergence_head: head of the column of mean KL divergences.
    """

    key: str
    distance_head: str
    divergence_head: str

    def __call__(self, wave: np.ndarray, sample_rate_hz: int) -> ClipOutputs:
        """Outputs for (N,) mono."""
        ...


class YamnetOutputs:
    """YAMNet, the stand-in that needs no download: means over patches of 0.96 s, one each 0.48 s.

    The logits are those before the sigmoid; being linear in the embedding, their mean belongs to the mean embedding.
    """

    key = "yamnet"

    def __init__(self, network: Yamnet) -> None:
        self.network = network.eval()
        classes, width = network.config.classes, network.config.channels[-1]
        self.distance_head = f"FD (YAMNet, {width}-d)"
        self.divergence_head = f"MKL (YAMNet, {classes} classes, stand-in for Melception)"

    @classmethod
    def load(cls, path: str | Path | None = None) -> YamnetOutputs:
        """Reads YAMNet.

        Args:
            path: the published arrays as .npz, the folder of an aligned encoder, or a checkpoint that holds one; None
                for the checkpoint that comes with the project.

        Raises:
            FoleyError: if there is none, or it is damaged.
        """
        path = Path(path) if path is not None else _own_checkpoint()
        folder = path / "aligned_encoder" if (path / "aligned_encoder").is_dir() else path
        if not (folder / "config.json").is_file() and path.suffix != ".npz":
            raise FoleyError(f"There is no YAMNet in {path}: give yamnet.npz or a checkpoint with an aligned_encoder.")
        try:
            if path.suffix == ".npz":
                arrays = {name: torch.from_numpy(array.astype(np.float32)) for name, array in np.load(path).items()}
                network = Yamnet()
                network.load_state_dict(from_keras_arrays(arrays))
            else:
                encoder = AlignedEncoder.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
                network = encoder.yamnet
        except Exception as error:  # numpy, safetensors and diffusers each raise their own kinds
            raise FoleyError(f"YAMNet in {path} cannot be read ({error}); fetch it again.") from error
        return cls(network)

    def __call__(self, wave: np.ndarray, sample_rate_hz: int) -> ClipOutputs:
        samples = torch.from_numpy(resample(wave, sample_rate_hz, _YAMNET_RATE_HZ))
        patch = _YAMNET_FRAME + (PATCH_FRAMES - 1) * _YAMNET_FRAME_HOP
        hop = _YAMNET_HOP_FRAMES * _YAMNET_FRAME_HOP
        count = 1 + max(0, -(-(len(samples) - patch) // hop))  # the end is filled up with silence to a whole patch
        samples = torch.nn.functional.pad(samples, (0, patch + (count - 1) * hop - len(samples)))
        centres_s = (torch.arange(count) + 1) * hop / _YAMNET_RATE_HZ
        with torch.inference_mode():
            embeddings, _ = self.network(patches_at(yamnet_mel(samples), centres_s))
            features = embeddings.mean(dim=0)
            return ClipOutputs(features.numpy(), self.network.head(features).numpy())


def _own_checkpoint() -> Path:
    return roots()[0] / "mini"


_MELCEPTION_RATE_HZ = 22_050
_MELCEPTION_S = 10
_MELCEPTION_CLASSES = 309
_MELCEPTION_FRAMES = 848
_CUT_FRAMES = 860  # of which the middle is taken
_MELCEPTION_STATISTICS = "train_means_stds_melspec_10s_22050hz.txt"


class MelceptionOutputs:
    """SpecVQGAN's Inception v3 over mel pictures of 10 s, the network of the published FID and MKL.

    Args:
        network: with one input channel and without the early pools.
        means: (80,) what the network's input is normalised by, one for each band.
        stds: (80,).
    """

    key = "melception"
    distance_head = "FID (Melception, 2048-d)"
    divergence_head = f"MKL (Melception, {_MELCEPTION_CLASSES} classes)"

    def __init__(self, network: Inception, means: Sequence[float], stds: Sequence[float]) -> None:
        self.network = network.eval()
        self.means, self.stds = (np.asarray(numbers, dtype=np.float32)[:, None] for numbers in (means, stds))

    @classmethod
    def load(cls, path: str | Path) -> MelceptionOutputs:
        """Reads the published checkpoint melception-21-05-10T09-28-40.pt.

        The file with the means and deviations of the bands that is published beside it must lie beside it.

        Raises:
            FoleyError: if either cannot be read.
        """
        statistics = Path(path).with_name(_MELCEPTION_STATISTICS)
        try:
            means, stds = np.loadtxt(statistics, ndmin=2)[:80].T
            if len(means) != 80:
                raise ValueError("too few lines")
        except (OSError, ValueError) as error:
            raise FoleyError(f"Melception needs {statistics}: 80 lines with a mean and a deviation each.") from error
        network = Inception(channels=1, classes=_MELCEPTION_CLASSES, early_pools=False)
        state = {name.removeprefix("module."): value for name, value in read_state(Path(path)).items()}
        try:
            network.load_state_dict({name: value for name, value in state.items() if "AuxLogits" not in name})
        except RuntimeError as error:
            raise FoleyError(f"{Path(path).name} is not Melception's checkpoint; fetch it again.") from error
        return cls(network, means, stds)

    def __call__(self, wave: np.ndarray, sample_rate_hz: int) -> ClipOutputs:
        wave = resample(wave, sample_rate_hz, _MELCEPTION_RATE_HZ)[: _MELCEPTION_S * _MELCEPTION_RATE_HZ]
        wave = np.pad(wave, (0, _MELCEPTION_S * _MELCEPTION_RATE_HZ - len(wave)))
        start = (_CUT_FRAMES - _MELCEPTION_FRAMES) // 2
        picture = specvqgan_mel(wave)[:, start : start + _MELCEPTION_FRAMES]
        normal = torch.from_numpy((picture - self.means) / self.stds)
        with torch.inference_mode():
            features, logits = self.network(normal[None, None].float())
        return ClipOutputs(features[0].numpy(), logits[0].numpy())


def specvqgan_mel(wave: np.ndarray) -> np.ndarray:
    """SpecVQGAN's mel picture. (N,) at 22,050 Hz -> float32 (80, 1 + N // 256) in 0..1."""
    import librosa

    bands = librosa.filters.mel(sr=_MELCEPTION_RATE_HZ, n_fft=1024, n_mels=80, fmin=125, fmax=7600)
    # Reflected edges, as in the librosa of that time.
    magnitude = np.abs(librosa.stft(wave, n_fft=1024, hop_length=256, pad_mode="reflect"))
    decibel = 20 * np.log10(np.maximum(bands @ magnitude, 1e-5))
    return np.clip((decibel + 80) / 100, 0, 1).astype(np.float32)
