"""A tiny library of synthetic sounds, and scenes composed from it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
import torch

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.training.library import Sound, SoundLibrary
from rhythmic_foley.training.scenes import compose

LEAD_S = 0.1  # silence before each hit: a recording seldom starts with its sound


def write_library(folder: Path) -> Path:
    """`sounds.csv` with three hits and a bed, two of them in a held-out package."""
    rng = np.random.default_rng(0)
    (folder / "sounds").mkdir(parents=True)
    rows = ["id,package,caption,class"]
    for number, (package, caption, group, seconds) in enumerate(
        (
            ("openclonk-data", "hammering wood", "impact", 0.5),
            ("openclonk-data", "glass breaking", "impact", 0.4),
            ("openclonk-data", "rain falling", "weather", 4.0),
            ("flare-game", "door closing", "door", 0.5),
            ("flare-game", "wind blowing", "weather", 4.0),
        )
    ):
        n = int(seconds * SAMPLE_RATE_HZ)
        decay = np.exp(-np.arange(n) / (0.05 * SAMPLE_RATE_HZ)) if group != "weather" else np.ones(n)
        wave = np.concatenate([np.zeros(int(LEAD_S * SAMPLE_RATE_HZ)), rng.standard_normal(n) * decay * 0.1])
        soundfile.write(folder / "sounds" / f"s{number}.flac", wave, SAMPLE_RATE_HZ)
        rows.append(f"s{number},{package},{caption},{group}")
    table = folder / "sounds.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table


def one_hit_library() -> SoundLibrary:
    """A single short burst."""
    from rhythmic_foley.audio.onset_detection import attack_times

    rng = np.random.default_rng(0)
    wave = rng.standard_normal(4000) * np.exp(-np.arange(4000) / 400)
    wave = np.concatenate([np.zeros(1600), wave / np.abs(wave).max()]).astype(np.float32)
    return SoundLibrary((Sound("hit", "hammering wood", "impact", wave, attack_times(wave, SAMPLE_RATE_HZ)),))


def write_toy_scenes(folder: Path, table: Path, embedding_dim: int, count: int = 6) -> None:
    """Prepared scenes as the training loops read them, with random embeddings of a toy's size."""
    folder.mkdir(parents=True)
    library = SoundLibrary.from_csv(table)
    rng = np.random.default_rng(0)
    scenes = [compose(library, np.random.default_rng(i)) for i in range(count)]
    captions = np.full((count, 3), -1, np.int16)
    spans_s = np.zeros((count, 3, 2), np.float32)
    for row, scene in enumerate(scenes):
        for column, event in enumerate(scene.events):
            captions[row, column] = library.captions.index(event.label)
            spans_s[row, column] = event.start_s, event.end_s
    np.savez(
        folder / "scenes_0000.npz",
        mels=np.stack([(log_mel(torch.from_numpy(s.wave)) * 255).byte().numpy() for s in scenes]),
        embeddings=rng.standard_normal((count, 48, embedding_dim)).astype(np.float16),
        masks=np.stack([s.onsets.to_mask(768, 62.5) for s in scenes]).astype(np.float16),
        captions=captions,
        spans_s=spans_s,
    )
    (folder / "captions.json").write_text(json.dumps(library.captions))
