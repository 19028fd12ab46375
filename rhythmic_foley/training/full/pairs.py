"""Picture and sound beside each other, to train CAVP on: four frames and 64 mel columns a second (SPEC's stage 1)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.media.reading import read_frames
from rhythmic_foley.models.cavp import CLIP_TOKENS, FRAME_SIZE, frames_to_video
from rhythmic_foley.pipeline.pipeline import VIDEO_RATE_HZ, VIDEO_START_S
from rhythmic_foley.training.full.prepare import CAVP_HOP, read_sound
from rhythmic_foley.training.full.shards import Record, Records, pack, unpack
from rhythmic_foley.training.full.sources import CLIP_S, Clip

FRAMES = int(CLIP_S * VIDEO_RATE_HZ)
COLUMNS_PER_FRAME = 16
CLIPS = 3  # cut from one video
_LEAST_APART = 8  # frames between the beginnings of two of them
_JPEG_QUALITY = 92


def pair_record(clip: Clip) -> Record | None:
    """A video's frames, one below the other in one JPEG, and its log-mel; None if it does not sound.

    Raises:
        FoleyError: if it cannot be read.
    """
    wave = read_sound(clip)
    if wave is None:
        return None
    frames = read_frames(clip.path, VIDEO_RATE_HZ, start_s=VIDEO_START_S, end_s=CLIP_S)
    video = frames_to_video(torch.from_numpy(frame) for _, frame in frames)[0]  # (T, 3, H, W)
    samples = round(len(video) / VIDEO_RATE_HZ * SAMPLE_RATE_HZ)
    wave = fit_length(wave, samples)
    strip = (video * 255).round().byte().permute(0, 2, 3, 1).flatten(0, 1)
    picture = io.BytesIO()
    Image.fromarray(strip.numpy()).save(picture, "JPEG", quality=_JPEG_QUALITY)
    mel = log_mel(torch.from_numpy(wave), hop=CAVP_HOP)
    return {"frames.jpg": picture.getvalue(), "mel.npy": pack(mel.numpy().astype(np.float16))}


class Pairs:
    """All pairs of the shards in a folder, and the clips of 4 s cut from them."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            FoleyError: if there are none.
        """
        self._records = Records(folder)
        self._threads = ThreadPoolExecutor(8)  # JPEG decoding lets them run side by side

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """uint8 (40, 3, 224, 224) and float32 (128, 640); shorter videos are repeated, picture and sound alike."""
        record = self._records[index]
        strip = np.asarray(Image.open(io.BytesIO(record["frames.jpg"])))
        frames = torch.from_numpy(strip.reshape(-1, *FRAME_SIZE, 3).copy()).permute(0, 3, 1, 2)
        mel = torch.from_numpy(unpack(record["mel.npy"])).float()
        times = -(-FRAMES // len(frames))
        return frames.repeat(times, 1, 1, 1)[:FRAMES], mel.repeat(1, times)[:, : FRAMES * COLUMNS_PER_FRAME]

    def draw(self, number: int, size: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Clips of random videos, three of each behind one another, the same for the same number and seed.

        Returns:
            Frames (3 size, 16, 3, 224, 224) in [0, 1] and log-mels (3 size, 128, 256).
        """
        rng = np.random.default_rng((seed, number))
        # A video twice in a batch would be its own negative.
        chosen = rng.choice(len(self), size, replace=size > len(self))
        starts = [clip_starts(rng) for _ in chosen]
        cut = [part for item in self._threads.map(self._cut, chosen, starts) for part in item]
        frames, mels = zip(*cut, strict=True)
        return torch.stack(frames).float() / 255.0, torch.stack(mels)

    def _cut(self, index: int, starts: tuple[int, ...]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return list(cut_clips(*self[int(index)], starts))


def clip_starts(rng: np.random.Generator) -> tuple[int, ...]:
    """The first frames of a video's clips, in any order, at least 2 s apart."""
    room = FRAMES - CLIP_TOKENS - (CLIPS - 1) * _LEAST_APART
    starts = np.sort(rng.integers(0, room + 1, CLIPS)) + _LEAST_APART * np.arange(CLIPS)
    return tuple(map(int, rng.permutation(starts)))


def cut_clips(
    frames: torch.Tensor, mel: torch.Tensor, starts: tuple[int, ...]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The same stretches of picture (T, ...) and sound (128, 16 T), of 4 s each."""
    for start in starts:
        end = start + CLIP_TOKENS
        yield frames[start:end], mel[:, start * COLUMNS_PER_FRAME : end * COLUMNS_PER_FRAME]
