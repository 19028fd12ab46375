"""Composes the training scenes once and keeps what the training loops read: mels, YAMNet embeddings, masks, events."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.audio.mel import HOP, SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.yamnet import Yamnet, from_keras_arrays, patches_at, yamnet_mel
from rhythmic_foley.training.library import SoundLibrary
from rhythmic_foley.training.scenes import SCENE_SAMPLES, compose

TOKEN_S = 0.256  # 32 tokens in a window of 8.192 s, about the 4 a second of the paper's encoder
SCENE_FRAMES = SCENE_SAMPLES // HOP
SCENE_TOKENS = round(SCENE_SAMPLES / SAMPLE_RATE_HZ / TOKEN_S)
MAX_EVENTS = 3


@dataclass(frozen=True)
class SceneSet:
    """Prepared scenes in memory.

    Attributes:
        mels: (N, 128, 768) uint8, log-mel x 255.
        embeddings: (N, 48, 1024) float16, YAMNet each 0.256 s.
        masks: (N, 768) float16, onset strengths.
        captions: (N, 3) int16 indices into `names`, -1 where there is no event.
        spans_s: (N, 3, 2) float32, start and end of each event.
        names: the captions.
    """

    mels: np.ndarray
    embeddings: np.ndarray
    masks: np.ndarray
    captions: np.ndarray
    spans_s: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path, *, shards: int | None = None) -> SceneSet:
        """Reads a folder that `prepare` has filled, or only its first few files."""
        paths = sorted(folder.glob("scenes_*.npz"))[:shards]
        if not paths:
            raise FoleyError(f"There are no prepared scenes in {folder}; run `rhythmic-foley train prepare` first.")
        names = tuple(json.loads((folder / "captions.json").read_text()))
        keys = ("mels", "embeddings", "masks", "captions", "spans_s")
        return cls(*(np.concatenate([np.load(path)[k] for path in paths]) for k in keys), names)


def load_yamnet(weights: Path) -> Yamnet:
    """Reads the published arrays (`yamnet_fp16.npz`)."""
    arrays = np.load(weights)
    network = Yamnet().eval()
    network.load_state_dict(from_keras_arrays({k: torch.from_numpy(arrays[k].astype(np.float32)) for k in arrays}))
    return network


def prepare(
    table: Path, yamnet: Path, out: Path, *, scenes: int, seed: int = 0, held_out: bool = False, shard: int = 250
) -> None:
    """Writes `scenes_*.npz` shards; those already there are kept, so an interrupted run goes on where it stopped.

    Args:
        table: `sounds.csv`, with `sounds/` beside it, or a folder with a `captions.csv`.
        yamnet: `yamnet_fp16.npz`.
        out: folder for the shards.
        scenes: how many scenes in all, a multiple of `shard`.
        seed: scene i depends on (seed, i) alone.
        held_out: compose from the sounds kept for evaluation instead of those for training.
    """
    out.mkdir(parents=True, exist_ok=True)
    missing = [s for s in range(scenes // shard) if not (out / f"scenes_{s:04d}.npz").exists()]
    if not missing:
        return
    work = partial(_write_shard, table, yamnet, out, seed, shard, held_out)
    # Spawned, not forked: torch does not survive a fork once it has run threads.
    with multiprocessing.get_context("spawn").Pool(min(os.cpu_count() or 1, len(missing))) as pool:
        for number in pool.imap_unordered(work, missing):
            print(f"shard {number}: {shard} scenes", flush=True)


def _write_shard(table: Path, yamnet: Path, out: Path, seed: int, size: int, held_out: bool, number: int) -> int:
    torch.set_num_threads(1)
    library, network = _sources(table, yamnet, held_out)
    rows = [_scene_row(library, network, np.random.default_rng((seed, number * size + i))) for i in range(size)]
    (out / "captions.json").write_text(json.dumps(library.captions))
    path = out / f"scenes_{number:04d}.npz"
    unfinished = path.with_suffix(".part")
    with open(unfinished, "wb") as file:
        np.savez(file, **{k: np.stack([row[k] for row in rows]) for k in rows[0]})
    unfinished.replace(path)
    return number


@lru_cache(maxsize=1)
def _sources(table: Path, yamnet: Path, held_out: bool) -> tuple[SoundLibrary, Yamnet]:
    """What a worker reads once."""
    return SoundLibrary.open(table, held_out=held_out), load_yamnet(yamnet)


@torch.no_grad()
def _scene_row(library: SoundLibrary, yamnet: Yamnet, rng: np.random.Generator) -> dict[str, np.ndarray]:
    scene = compose(library, rng, max_sources=MAX_EVENTS)
    wave = torch.from_numpy(scene.wave)
    centres_s = (torch.arange(SCENE_TOKENS) + 0.5) * TOKEN_S
    with torch.autocast("cpu", torch.bfloat16):
        embeddings, _ = yamnet(patches_at(yamnet_mel(wave), centres_s))
    captions = np.full(MAX_EVENTS, -1, np.int16)
    spans_s = np.zeros((MAX_EVENTS, 2), np.float32)
    for i, event in enumerate(scene.events):
        captions[i] = library.captions.index(event.label)
        spans_s[i] = event.start_s, event.end_s
    return {
        "mels": (log_mel(wave) * 255).round().byte().numpy(),
        "embeddings": embeddings.half().numpy(),
        "masks": scene.onsets.to_mask(SCENE_FRAMES, SAMPLE_RATE_HZ / HOP).astype(np.float16),
        "captions": captions,
        "spans_s": spans_s,
    }
