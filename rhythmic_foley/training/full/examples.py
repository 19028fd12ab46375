"""Prepared clips: WebDataset shards on disk, windows of them by the number of a draw."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.pipeline.conditions import window_features
from rhythmic_foley.training.full.shards import Record, Records, pack, unpack
from rhythmic_foley.values.events import SoundEvent, events_from_json
from rhythmic_foley.values.onsets import Onsets

COLUMNS, FRAMES = 64, 512  # of a window: latent columns, mel frames
COLUMN_S = 0.128
WINDOW_S = COLUMNS * COLUMN_S


@dataclass(frozen=True)
class Example:
    """One clip, ready to train on.

    Attributes:
        latent: float16 (4, 16, columns), at least 64 columns of 0.128 s.
        features: float16 (T, D), CAVP features of the picture or, for sound without one, of the sound; four a second.
        caption: what sounds, in a sentence.
        events: what sounds when.
        onsets: what hits when, from the sound itself.
    """

    latent: np.ndarray
    features: np.ndarray
    caption: str
    events: tuple[SoundEvent, ...]
    onsets: Onsets


@dataclass(frozen=True)
class Batch:
    """B windows.

    Attributes:
        latents: (B, 4, 16, 64).
        features: (B, 32, D).
        onset_mask: (B, 1, 512) strengths.
        captions: B sentences.
        events: for each window its events, in seconds from its beginning.
    """

    latents: torch.Tensor
    features: torch.Tensor
    onset_mask: torch.Tensor
    captions: tuple[str, ...]
    events: tuple[tuple[SoundEvent, ...], ...]


def record_of(example: Example) -> Record:
    """An example as a shard keeps it."""
    words = {
        "caption": example.caption,
        "events": [asdict(event) for event in example.events],
        "onsets": asdict(example.onsets),
    }
    return {
        "latent.npy": pack(example.latent.astype(np.float16)),
        "features.npy": pack(example.features.astype(np.float16)),
        "json": json.dumps(words, ensure_ascii=False).encode(),
    }


class Shards:
    """Examples of all shards in a folder."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            FoleyError: if there are none.
        """
        self.folder = folder
        self._records = Records(folder)

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Example:
        record = self._records[index]
        words = json.loads(record["json"])
        return Example(
            unpack(record["latent.npy"]),
            unpack(record["features.npy"]),
            words["caption"],
            events_from_json(json.dumps(words["events"])),
            Onsets.of(words["onsets"]["times_s"], words["onsets"]["strengths"]),
        )

    def draw(self, number: int, size: int, *, seed: int = 0) -> Batch:
        """Windows of random examples at random places, the same for the same number and seed."""
        rng = np.random.default_rng((seed, number))
        windows = []
        for index in rng.integers(len(self), size=size):
            example = self[int(index)]
            windows.append(cut(example, int(rng.integers(0, example.latent.shape[2] - COLUMNS + 1))))
        latents, features, masks, captions, events = zip(*windows, strict=True)
        return Batch(torch.stack(latents), torch.stack(features), torch.stack(masks), captions, events)


def cut(example: Example, column: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, str, tuple[SoundEvent, ...]]:
    """The window that begins at a latent column: latent, features, onset mask (1, 512), caption, events."""
    start_s = column * COLUMN_S
    latent = torch.from_numpy(example.latent[:, :, column : column + COLUMNS]).float()
    features = window_features(torch.from_numpy(example.features)[None].float(), start_s)[0]
    mask = example.onsets.between(start_s, start_s + WINDOW_S).to_mask(FRAMES, FRAMES / WINDOW_S)
    events = tuple(
        replace(e, start_s=max(0.0, e.start_s - start_s), end_s=None if e.end_s is None else e.end_s - start_s)
        for e in example.events
        if e.start_s < start_s + WINDOW_S and (e.end_s is None or e.end_s > start_s)
    )
    return latent, features, torch.from_numpy(mask)[None], example.caption, events
