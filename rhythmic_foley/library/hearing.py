"""What YAMNet hears in a recording: an embedding of its sound, and names for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.audio.signal import resample
from rhythmic_foley.audio.yamnet_classes import yamnet_classes
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.yamnet_network import YamnetNetwork, patches_at, yamnet_mel

_RATE_HZ = 16_000
_PATCH_S = 0.96
_MOST_PATCHES = 4
# Names are given from this score on.
_SURE = 0.25
_MOST_NAMES = 3
# They say how it was recorded or that there is little to hear, not what sounds.
_SAY_NOTHING = frozenset(
    ("Silence", "Sound effect", "Inside, small room", "Inside, large room or hall", "Outside, urban or manmade")
    + ("Outside, rural or natural", "Field recording", "Noise", "Mono", "White noise", "Static", "Reverberation")
)


class Ear:
    """YAMNet (AudioSet's 521 classes), from a checkpoint's aligned encoder, which contains it.

    Args:
        checkpoint: its folder.

    Raises:
        FoleyError: if there is no YAMNet in it.
    """

    def __init__(self, checkpoint: Path) -> None:
        from safetensors.torch import load_file

        prefix = "yamnet."
        try:
            weights = load_file(checkpoint / "aligned_encoder" / "diffusion_pytorch_model.safetensors")
            weights = {k.removeprefix(prefix): v.float() for k, v in weights.items() if k.startswith(prefix)}
            channels = tuple(
                len(weights[f"blocks.{block}.1.norm.bias"])
                for block in range(sum(k.endswith(".1.norm.bias") for k in weights))
            )
            self._network = YamnetNetwork(channels, len(weights["stem.norm.bias"]), len(weights["head.bias"])).eval()
            self._network.load_state_dict(weights)
        except Exception as error:  # safetensors and torch each raise their own kinds
            raise FoleyError(f"There is no YAMNet in {checkpoint} that can be read.") from error

    @torch.inference_mode()
    def __call__(self, wave: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, tuple[str, ...]]:
        """Hear a recording.

        Args:
            wave: (N,) mono.

        Returns:
            Embedding float32 (1024,), the mean over up to four patches, and the names of what it is sure of.
        """
        wave = resample(np.ascontiguousarray(wave[: round(8 * sample_rate_hz)]), sample_rate_hz, _RATE_HZ)
        mel = yamnet_mel(torch.from_numpy(wave).float())
        seconds = len(wave) / _RATE_HZ
        count = int(np.clip(seconds / _PATCH_S, 1, _MOST_PATCHES))
        centres_s = torch.arange(count) * max(seconds - _PATCH_S, 0.0) / max(count - 1, 1) + _PATCH_S / 2
        embeddings, scores = self._network(patches_at(mel, centres_s))
        highest = scores.amax(dim=0).numpy()
        names = [(highest[i], name) for i, name in enumerate(yamnet_classes()[: len(highest)])]
        sure = sorted(pair for pair in names if pair[0] >= _SURE and pair[1] not in _SAY_NOTHING)
        heard = tuple(name.lower() for _, name in sure[::-1][:_MOST_NAMES])
        return embeddings.mean(dim=0).numpy(), heard
