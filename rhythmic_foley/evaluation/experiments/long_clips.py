"""What long clips cost: time and memory of whole dubs of 1080p clips, by their length."""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.studio import Studio, Take
from rhythmic_foley.values.controls import Controls

_FPS = 30
_LOOP_S = 5
_MIB = 2**20


@dataclass(frozen=True)
class LongRow:
    """One dub.

    Attributes:
        cpu_s: of the process, all threads; unlike time on the wall it says the same on a busy machine.
        model_mib: held once the model is loaded.
        peak_mib: at most.
    """

    duration_s: float
    cpu_s: float
    wall_s: float
    model_mib: float
    peak_mib: float


def measure_lengths(
    model: str, lengths_s: Sequence[float], steps: int, size: tuple[int, int] = (1920, 1080)
) -> Iterator[LongRow]:
    """A row for each length, each from a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        for length_s in lengths_s:
            clip = write_long_clip(Path(folder) / f"{length_s:g}.mp4", length_s, size)
            with multiprocessing.get_context("spawn").Pool(1) as process:
                yield process.apply(measure, (model, clip, steps))
            clip.unlink()


def measure(model: str, clip: Path, steps: int) -> LongRow:
    """Looks at a clip and dubs it, in this process, whose peak memory counts."""
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(model, cache=Cache(Path(folder) / "cache"))
        studio.pipeline, studio.describer, studio.revision  # noqa: B018
        held_mib = _held_mib()
        began_s, cpu_s = time.perf_counter(), time.process_time()
        *_, analysis = studio.analyse(clip)
        controls = replace(Controls(seed=0), steps=steps, guidance_scale=studio.defaults.guidance_scale)
        for item in studio.dub(analysis, controls, Path(folder) / "out"):
            assert not isinstance(item, Take) or item.video.is_file()
        return LongRow(
            analysis.clip.duration_s,
            time.process_time() - cpu_s,
            time.perf_counter() - began_s,
            held_mib,
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


def print_lengths(rows: Sequence[LongRow]) -> str:
    """The rows as a Markdown table, and the line through them."""
    lines = ["| clip | CPU | CPU a second of clip | memory above the model's |", "|---:|---:|---:|---:|"]
    for row in rows:
        over = row.peak_mib - row.model_mib
        a_second = row.cpu_s / row.duration_s
        lines.append(f"| {row.duration_s:.0f} s | {row.cpu_s:.0f} s | {a_second:.2f} s | {over:.0f} MiB |")
    if len(rows) > 1:
        lines += ["", slope(rows)]
    return "\n".join(lines)


def slope(rows: Sequence[LongRow]) -> str:
    """The line through the rows, in words."""
    lengths_s, cpu_s = np.array([(row.duration_s, row.cpu_s) for row in rows]).T
    each, fixed = np.polyfit(lengths_s, cpu_s, 1)
    off = np.abs(cpu_s - (each * lengths_s + fixed)).max() / cpu_s.max()
    return (
        f"{each:.2f} CPU s for each second of clip and {fixed:.0f} s at once; "
        f"no length is off this line by more than {off:.1%} of the longest."
    )


def write_long_clip(path: Path, duration_s: float, size: tuple[int, int]) -> Path:
    """A clip in which something moves and stops; a few seconds are encoded, then their packets are repeated."""
    packets, frames = _loop(path.with_suffix(".loop.mp4"), size)
    with av.open(str(path.with_suffix(".loop.mp4"))) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        base = source.streams.video[0].time_base
        step = round(Fraction(1, _FPS) / base)
        for number in range(round(duration_s * _FPS / frames)):
            for data, pts, dts, key in packets:
                packet = av.Packet(data)
                packet.pts, packet.dts = pts + number * frames * step, dts + number * frames * step
                packet.time_base, packet.duration, packet.is_keyframe, packet.stream = base, step, key, stream
                out.mux(packet)
    os.unlink(path.with_suffix(".loop.mp4"))
    return path


def _loop(path: Path, size: tuple[int, int]) -> tuple[list[tuple[bytes, int, int, bool]], int]:
    """Writes the seconds that are repeated; answers their packets (bytes, pts, dts, key) and how many there are."""
    width, height = size
    noise = np.random.default_rng(0).integers(0, 255, (height // 40, width // 40, 3), dtype=np.uint8)
    ground = np.kron(noise, np.ones((40, 40, 1), dtype=np.uint8))
    ground = np.pad(ground, ((0, height - len(ground)), (0, width - ground.shape[1]), (0, 0)), mode="edge")
    frames = _FPS * _LOOP_S
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=_FPS, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            image = ground.copy()
            fallen = abs((number / _FPS) % 1.0 - 0.5) * 2  # down, and up again
            top = round((1 - fallen) * (height * 0.8))
            image[top : top + height // 10, width // 3 : width // 3 + height // 10] = 255
            out.mux(stream.encode(VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    with av.open(str(path)) as source:
        found = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in source.demux(video=0) if p.size]
    return found, frames


def _held_mib() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / _MIB
