"""Prepared clips: WebDataset shards on disk, windows of them by the number of a draw."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.conditions import window_features
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import SoundEvent, events_from_json
from rhythmic_foley.onsets import Onsets

COLUMNS, FRAMES = 64, 512  # of a window: latent columns, mel frames
COLUMN_S = 0.128
WINDOW_S = COLUMNS * COLUMN_S
EXAMPLES_PER_SHARD = 1000


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


def write_shard(path: Path, examples: Iterable[tuple[str, Example]]) -> int:
    """Writes named examples as one WebDataset shard, whole or not at all; returns how many there were."""
    partial, count = path.with_suffix(".part"), 0
    with tarfile.open(partial, "w") as shard:
        for name, example in examples:
            words = {
                "caption": example.caption,
                "events": [asdict(event) for event in example.events],
                "onsets": asdict(example.onsets),
            }
            _add(shard, f"{name}.latent.npy", _packed(example.latent))
            _add(shard, f"{name}.features.npy", _packed(example.features))
            _add(shard, f"{name}.json", json.dumps(words, ensure_ascii=False).encode())
            count += 1
    os.replace(partial, path)
    return count


class Shards:
    """Examples of all shards in a folder. Only their places are kept in memory; files stay on disk.

    Training draws by a number, never by walking along: a run that goes on sees what an unbroken one sees.
    """

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            FoleyError: if there are none.
        """
        self.folder = folder
        self._places = [place for path in sorted(folder.glob("*.tar")) for place in _places(path)]
        if not self._places:
            raise FoleyError(f"There are no prepared shards in {folder}.")

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Example:
        path, parts = self._places[index]
        with open(path, "rb") as file:
            read = {ending: _read(file, *place) for ending, place in parts.items()}
        words = json.loads(read["json"])
        return Example(
            np.load(io.BytesIO(read["latent.npy"])),
            np.load(io.BytesIO(read["features.npy"])),
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


def _places(path: Path) -> Iterator[tuple[Path, dict[str, tuple[int, int]]]]:
    """For each example of a shard where its parts lie: ending -> (offset, bytes)."""
    examples: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        with tarfile.open(path) as shard:
            for member in shard:
                name, _, ending = member.name.partition(".")
                examples.setdefault(name, {})[ending] = (member.offset_data, member.size)
    except tarfile.TarError as error:
        raise FoleyError(f"The shard {path} is damaged ({error}); prepare it again.") from error
    return ((path, parts) for parts in examples.values())


def _read(file: io.BufferedReader, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _packed(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array.astype(np.float16))
    return buffer.getvalue()


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    shard.addfile(entry, io.BytesIO(content))
