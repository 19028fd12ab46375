"""CLIP similarity: does the sound mean what the picture shows? Wav2CLIP for the sound, CLIP ViT-B/32 for the frames.

As FoleyCrafter's authors describe it: every 30th frame, the mean of the frames' unit embeddings, and its cosine with
the embedding of the whole sound, times 100 in the table.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.onset_metrics import resample
from rhythmic_foley.weights.checkpoint import read_state

FRAME_STEP = 30
_RATE_HZ = 16_000
_N_FFT, _HOP = 512, 353
_WIDTHS = (64, 128, 256, 512)


class Wav2Clip(nn.Module):
    """A ResNet-18 on log power spectra and a layer that leads into CLIP's space.

    Args:
        widths: channels of the four stages (smaller ones make a toy).
    """

    def __init__(self, widths: tuple[int, ...] = _WIDTHS) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = (widths[0], *widths[:-1])
        for number, (one, other) in enumerate(zip(inputs, widths, strict=True), 1):
            stage = nn.Sequential(_Block(one, other, 1 if number == 1 else 2), _Block(other, other, 1))
            setattr(self, f"layer{number}", stage)
        self.transform = nn.Sequential(
            nn.Linear(widths[-1], widths[-1]), nn.ReLU(), nn.Identity(), nn.Linear(widths[-1], widths[-1])
        )

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        """(samples,) at 16 kHz -> (512,)."""
        window = torch.hann_window(_N_FFT, device=wave.device)
        power = torch.stft(wave, _N_FFT, _HOP, window=window, pad_mode="reflect", return_complex=True).abs().square()
        x = torch.log(power + 1e-7)
        x = ((x - x.mean()) / (x.std() + 1e-9))[None, None]
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.transform(x.mean(dim=(2, 3)))[0]


class _Block(nn.Module):
    """Two 3 x 3 convolutions beside a way past them; names as in the published weights."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        past = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + past)


def read_wav2clip(path: str | Path) -> Wav2Clip:
    """Reads the published ResNet_CX.ckpt; of the widths that the file holds.

    Raises:
        FoleyError: if it is not that file.
    """
    own = {}
    try:
        for name, value in read_state(Path(path)).items():
            part, _, rest = name.partition(".")
            if part == "audio_encoder" and not rest.startswith(("fc.", "spectrogram.")):
                own[rest] = value
            elif part == "audio_transform":
                own[f"transform.{rest.removeprefix('sequential.')}"] = value
        widths = tuple(len(own[f"layer{number}.0.conv1.weight"]) for number in range(1, 5))
        network = Wav2Clip(widths)
        network.load_state_dict(own)
    except (KeyError, RuntimeError) as error:
        raise FoleyError(f"{Path(path).name} is not Wav2CLIP's checkpoint; fetch it again.") from error
    return network.eval()


class ClipSimilarity:
    """Scores sounds against clips, keeping what it saw of each clip."""

    head = "CLIP similarity (Wav2CLIP, ViT-B/32, x 100)"

    def __init__(self, wav2clip: Wav2Clip, clip: nn.Module, processor: object) -> None:
        self.wav2clip, self.clip, self.processor = wav2clip, clip, processor
        self._seen: dict[Path, np.ndarray] = {}

    @classmethod
    def load(cls, clip: str | Path, wav2clip: str | Path) -> ClipSimilarity:
        """Reads both networks.

        Args:
            clip: folder of CLIP ViT-B/32 as transformers keeps it (openai/clip-vit-base-patch32).
            wav2clip: the published checkpoint.

        Raises:
            FoleyError: if one cannot be read, or they do not lead into one space.
        """
        from transformers import AutoImageProcessor, CLIPVisionModelWithProjection

        try:
            network, loaded = CLIPVisionModelWithProjection.from_pretrained(
                clip, local_files_only=True, output_loading_info=True
            )
            processor = AutoImageProcessor.from_pretrained(clip, local_files_only=True)
        except Exception as error:  # safetensors, json and the library each raise their own kinds
            raise FoleyError(f"{clip} is not a folder with CLIP as transformers keeps it.") from error
        if lacking := sorted(loaded["missing_keys"]):  # the library would go on with random numbers in their place
            raise FoleyError(f"{clip} is not the whole of CLIP: {lacking[0]} is missing.")
        audio = read_wav2clip(wav2clip)
        if (seen := network.config.projection_dim) != (heard := audio.transform[-1].out_features):
            raise FoleyError(f"{clip} is not ViT-B/32: it has {seen} numbers a picture, Wav2CLIP {heard} a sound.")
        return cls(audio, network.eval(), processor)

    def score(self, wave: np.ndarray, sample_rate_hz: int, video: Path) -> float:
        """100 x cosine of a sound (N,) and a clip's picture.

        Raises:
            FoleyError: if the clip cannot be read.
        """
        if video not in self._seen:
            self._seen[video] = self._look(video)
        with torch.inference_mode():
            heard = self.wav2clip(torch.from_numpy(resample(wave, sample_rate_hz, _RATE_HZ))).numpy()
        seen = self._seen[video]
        return float(100 * (heard @ seen) / max(np.linalg.norm(heard) * np.linalg.norm(seen), 1e-12))

    def _look(self, video: Path) -> np.ndarray:
        """Mean of the unit embeddings of every 30th frame, (512,)."""
        from rhythmic_foley.media.reading import probe, read_frames

        frames = [frame for _, frame in read_frames(video, probe(video).fps / FRAME_STEP)]
        with torch.inference_mode():
            pixels = self.processor(images=frames, return_tensors="pt")["pixel_values"]
            return F.normalize(self.clip(pixels).image_embeds, dim=-1).mean(dim=0).numpy()
