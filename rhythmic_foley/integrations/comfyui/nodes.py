"""Two ComfyUI nodes: pictures in, sound and dubbed video out; and a take's files for editing programs.

ComfyUI finds what a node takes and gives in class attributes, and calls the method that `FUNCTION` names. A sentence
of a `FoleyError` is what it shows where something cannot be done.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.seeds import MAX_SEED

if TYPE_CHECKING:
    import torch

    from rhythmic_foley.studio.studio import Studio

CATEGORY = "Rhythmic Foley"
_SILENCE_HZ = 48_000


class DubNode:
    """Give pictures a soundtrack in time with them."""

    CATEGORY, FUNCTION, OUTPUT_NODE = CATEGORY, "dub", False
    RETURN_TYPES = ("AUDIO", "STRING", "STRING")
    RETURN_NAMES = ("audio", "video", "take")
    DESCRIPTION = "Sound in time with the pictures; empty fields are proposed from the picture."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple]]:
        """What it takes, by ComfyUI's names of types."""
        text = {"default": "", "multiline": True}
        return {
            "required": {
                "images": ("IMAGE",),
                "fps": ("FLOAT", {"default": 25.0, "min": 1.0, "max": 120.0, "step": 0.001}),
                "seed": ("INT", {"default": 0, "min": 0, "max": MAX_SEED}),
            },
            "optional": {
                "text": ("STRING", {**text, "tooltip": "What sounds, in plain words."}),
                "onsets": ("STRING", {"default": "", "tooltip": "When it hits, in seconds: 0.5, 1.2"}),
                "negative": ("STRING", {"default": "", "tooltip": "What should not be heard."}),
                "out_dir": ("STRING", {"default": "dubs", "tooltip": "Where takes go."}),
            },
        }

    def dub(
        self,
        images: torch.Tensor,
        fps: float,
        seed: int,
        text: str = "",
        onsets: str = "",
        negative: str = "",
        out_dir: str = "dubs",
    ) -> tuple[dict[str, Any], str, str]:
        """Dub pictures (B, H, W, 3) in 0..1.

        Returns:
            {"waveform": (1, C, N), "sample_rate": Hz}, path of the dubbed video, path of the take.
        """
        import torch

        from rhythmic_foley.audio.wav import read_wav_channels
        from rhythmic_foley.values.onsets import Onsets

        studio = the_studio()
        controls = replace(
            studio.defaults,
            seed=seed,
            text=text.strip() or None,
            onsets=Onsets.parse(onsets) if onsets.strip() else None,
            negative=negative.strip(),
        )
        with tempfile.TemporaryDirectory() as place:
            clip = write_clip(images, fps, Path(place, "comfyui.mp4"))
            take = _last(studio.dub(_last(studio.analyse_for(clip, controls)), controls, Path(out_dir)))
        wave, rate_hz = read_wav_channels(take.wav)
        audio = {"waveform": torch.from_numpy(np.ascontiguousarray(wave.T))[None], "sample_rate": rate_hz}
        return audio, str(take.video), str(take.folder)


class ExportNode:
    """Write a take for editing programs."""

    CATEGORY, FUNCTION, OUTPUT_NODE = CATEGORY, "export", True
    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("folder",)
    DESCRIPTION = "Sound files, markers, captions and project files of a take."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple]]:
        """What it takes, by ComfyUI's names of types."""
        from rhythmic_foley.export.cutting_room import FORMATS
        from rhythmic_foley.export.delivery import DELIVERIES

        return {
            "required": {
                "take": ("STRING", {"forceInput": True}),
                "formats": ("STRING", {"default": "wav", "tooltip": ", ".join(FORMATS)}),
                "delivery": (list(DELIVERIES),),
            },
            "optional": {"timecode": ("STRING", {"default": ""})},
        }

    def export(self, take: str, formats: str, delivery: str, timecode: str = "") -> tuple[str]:
        """Export a take in the named formats; answers the folder that was written."""
        from rhythmic_foley.export.cutting_room import ExportRequest, export_take
        from rhythmic_foley.studio.takes import read_take

        names = tuple(formats.replace(",", " ").split())
        done = export_take(read_take(take), ExportRequest(names, delivery, timecode=timecode.strip() or None))
        return (str(done.folder),)


@lru_cache(maxsize=1)
def the_studio() -> Studio:
    """The studio of the embedded model, opened at the first use."""
    from rhythmic_foley.studio.studio import Studio

    return Studio()


def write_clip(images: torch.Tensor, fps: float, path: Path) -> Path:
    """Write pictures (B, H, W, 3) in 0..1 as a silent MP4, cut to even sizes.

    Raises:
        FoleyError: if there are no pictures of that shape.
    """
    from rhythmic_foley.media.muxing import write_frames

    if images.ndim != 4 or images.shape[-1] < 3 or min(images.shape[:3]) < 2:
        raise FoleyError("Connect at least two pictures of a film to images.")
    height, width = (size // 2 * 2 for size in images.shape[1:3])
    pictures = ((image[:height, :width, :3].clamp(0, 1) * 255).round().byte().cpu().numpy() for image in images)
    silence = np.zeros(round(len(images) / fps * _SILENCE_HZ), np.float32)
    write_frames((np.ascontiguousarray(one) for one in pictures), (width, height), fps, silence, _SILENCE_HZ, path)
    return path


def _last(job: Iterable[Any]) -> Any:
    *_, result = job
    return result
