"""What it costs to read clips in processes of their own: `python tests/isolation_cost.py`.

Prints the time of each reader in this process and apart, the least of several runs, and how much CPU time of this
process it takes: apart, that is what receiving the result costs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from clips import make_clip  # noqa: E402

from rhythmic_foley.media.reading import probe, read_audio, read_frames  # noqa: E402
from rhythmic_foley.runtime.isolation import isolate_readers  # noqa: E402

_RUNS = 15


def main() -> None:
    """Makes a clip of ten seconds and reads it both ways."""
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder, "clip.mp4"), 10.0, 30, (1280, 720), audio="tone")
        readers: dict[str, Callable[[], object]] = {
            "what it is (probe)": lambda: probe(clip),
            "300 pictures of 256 x 144": lambda: [None for _ in read_frames(clip, 30, (256, 256), fit="inside")],
            "40 pictures of 1280 x 720": lambda: [None for _ in read_frames(clip, 4)],
            "its sound": lambda: read_audio(clip, 16_000),
        }
        together = {name: _least(read) for name, read in readers.items()}
        begun_s = time.perf_counter()
        isolate_readers()
        probe(clip)
        print(f"the first call apart, which starts the nursery: {time.perf_counter() - begun_s:.2f} s")
        for name, read in readers.items():
            print(f"{name}: {together[name]} in this process, {_least(read)} apart")


def _least(read: Callable[[], object]) -> str:
    wall_s, cpu_s = [], []
    for _ in range(_RUNS):
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        read()
        wall_s.append(time.perf_counter() - begun_s)
        cpu_s.append(time.process_time() - begun_cpu_s)
    return f"{1000 * min(wall_s):.0f} ms ({1000 * min(cpu_s):.0f} ms CPU)"


if __name__ == "__main__":
    main()
