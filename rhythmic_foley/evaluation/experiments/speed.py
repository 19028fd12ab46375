"""How long a window takes, and what the ways of running a model cost in time and memory."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from diffusers.models.attention_processor import AttnProcessor

from rhythmic_foley.pipeline.loading import Running, load_pipeline
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline, Step
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets


@dataclass(frozen=True)
class Way:
    """A way of running a model.

    Attributes:
        plain_attention: compute the whole attention matrix, as the reference does.
        windows: so many are generated together.
    """

    name: str
    running: Running
    plain_attention: bool = False
    windows: int = 1


@dataclass(frozen=True)
class SpeedRow:
    """What a way costs.

    Attributes:
        step_s: a denoising step of one window, by the clock.
        cpu_s: the same, of all of the process's threads, which hardly depends on what else the machine does.
        peak_gib: most memory held, the GPU's if there is one, else the process's; None where nobody can tell.
    """

    name: str
    step_s: float
    cpu_s: float
    peak_gib: float | None


REFERENCE = Way("reference-like: float32, unbatched, plain attention", Running("float32", batched=False), True)
ON_CPU = (
    REFERENCE,
    Way("float32, batched", Running("float32")),
    Way("float32, batched, four windows together", Running("float32"), windows=4),
    Way("bfloat16, batched", Running("bfloat16")),
    Way("float32, batched, compiled", Running("float32", compiled=True)),
)
ON_GPU = (
    REFERENCE,
    Way("float32, batched", Running("float32")),
    Way("float16, batched", Running("float16")),
    Way("float16, batched, eight windows together", Running("float16"), windows=8),
    Way("float16, batched, offloaded", Running("float16", offload=True)),
    Way("float16, batched, compiled", Running("float16", compiled=True)),
)


def seconds_per_window(pipeline: RhythmicFoleyPipeline, *, steps: int = 20, runs: int = 5) -> float:
    """Median time of a window with all conditions on, after one run to warm up."""
    taken_s = []
    for _ in range(runs + 1):
        start_s = time.perf_counter()
        pipeline(**_request(pipeline), steps=steps)
        taken_s.append(time.perf_counter() - start_s)
    return median(taken_s[1:])


def compare_ways(
    folder: Path, device: str | None = None, ways: Sequence[Way] | None = None, steps: int = 4
) -> list[SpeedRow]:
    """One row for each way, each measured in a process of its own, so that its peak memory is its own."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    ways = ways or (ON_GPU if device.startswith("cuda") else ON_CPU)
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        ways = [way for way in ways if not way.running.compiled]
    rows = []
    for way in ways:
        with multiprocessing.get_context("spawn").Pool(1) as process:
            rows.append(process.apply(measure, (folder, device, way, steps)))
    return rows


def measure(folder: Path, device: str, way: Way, steps: int) -> SpeedRow:
    """Median times of a denoising step, the first left out, and this process's peak memory."""
    pipeline = load_pipeline(folder, device, way.running)
    if way.plain_attention:
        for network in (pipeline.unet, pipeline.semantic_adapter, pipeline.temporal_adapter):
            if network is not None:
                inner = getattr(network, "controlnet", getattr(network, "unet", network))
                inner.set_attn_processor(AttnProcessor())
    clocks: list[tuple[float, float]] = []
    request = WindowRequest(**_request(pipeline), steps=steps + 1)
    for items in pipeline.stream_together([request] * way.windows):
        if isinstance(items[0], Step):
            _wait(device)
            clocks.append((time.perf_counter(), time.process_time()))
    step_s, cpu_s = (
        median(later - earlier for earlier, later in zip(times, times[1:], strict=False)) / way.windows
        for times in zip(*clocks, strict=True)
    )
    return SpeedRow(way.name, step_s, cpu_s, _peak_gib(device))


def print_speed(rows: Sequence[SpeedRow]) -> str:
    """The rows as a Markdown table; in brackets times as a share of the first row's."""
    first, lines = rows[0], ["| way | s a step of a window | CPU s | peak memory |", "|---|---:|---:|---:|"]
    for row in rows:
        peak = "?" if row.peak_gib is None else f"{row.peak_gib:.2f} GiB"
        clock, cpu = row.step_s / first.step_s, row.cpu_s / first.cpu_s
        lines.append(f"| {row.name} | {row.step_s:.3f} ({clock:.2f}) | {row.cpu_s:.3f} ({cpu:.2f}) | {peak} |")
    return "\n".join(lines)


def _request(pipeline: RhythmicFoleyPipeline) -> dict[str, object]:
    """A window with all conditions on."""
    request = {"events": [SoundEvent("hammering wood")], "onsets": Onsets.of([1.0, 2.0, 4.5])}
    if getattr(pipeline, "needs_video", False):
        size = pipeline.cond_stage.config.feature_dim
        request["features"] = torch.nn.functional.normalize(torch.ones(33, size), dim=-1)
    return request


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _peak_gib(device: str) -> float | None:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**30
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
