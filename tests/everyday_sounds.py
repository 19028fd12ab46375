"""A table of recordings with kinds, of which some sources are kept for evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 16_000
KINDS = {"bell": 2500.0, "thud": 150.0, "rain": 0.0}  # rain is noise, and goes on
SOURCES = {"one": "train", "two": "train", "three": "eval"}


def write_everyday_sounds(folder: Path, *, each: int = 2) -> Path:
    """`sounds.csv` with so many recordings of each kind and source, and one kind that has a single source."""
    rng = np.random.default_rng(0)
    rows = ["id,file,split,kind,package,caption,class"]
    (folder / "web").mkdir(parents=True)
    for kind, hz in KINDS.items():
        for source, split in SOURCES.items():
            for number in range(each):
                name = f"{kind}_{source}_{number}"
                soundfile.write(folder / f"web/{name}.flac", _sound(hz, rng), RATE_HZ)
                rows.append(f"{name},web/{name}.flac,{split},{kind},{source},{kind} sounding,{kind}")
    rows.append("lonely,web/bell_one_0.flac,train,gong,one,gong sounding,bell")
    table = folder / "sounds.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table


def _sound(hz: float, rng: np.random.Generator) -> np.ndarray:
    if not hz:
        return 0.1 * rng.standard_normal(3 * RATE_HZ)
    clock_s = np.arange(RATE_HZ // 2) / RATE_HZ
    tone = np.sin(2 * np.pi * hz * rng.uniform(0.9, 1.1) * clock_s) * np.exp(-clock_s / 0.08)
    return np.concatenate([np.zeros(800), 0.5 * tone])
