"""Which numbers a CPU calculates the denoising steps with: bfloat16 where that is clearly faster, else float32.

Newer CPUs multiply bfloat16 several times faster than float32; others have to emulate it and are slower. Flags of the
CPU do not tell the two apart well, so a block like those of the networks is timed once in both, which takes about a
tenth of a second; the answer is remembered in the cache.
"""

from __future__ import annotations

import json
import platform
import time
from copy import deepcopy
from pathlib import Path

import torch
from torch import nn

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.runtime.cache import Cache

# So much faster bfloat16 must be to be chosen: a timing on a busy machine is not exact.
_LEAST_GAIN = 1.5
_CHANNELS, _HEIGHT, _WIDTH = 160, 8, 32
_RUNS = 15


def cpu_precision(cache: Cache) -> str:
    """ "bfloat16" or "float32": what this machine's CPU denoises faster with, as measured now or before."""
    key = Cache.key("precision-1", _processor(), torch.__version__)

    def write(path: Path) -> None:
        path.write_text(json.dumps({"gain": measured_gain()}), encoding="utf-8")

    try:
        gain = cache.load("machine", key, ".json", _read_gain, write)
    except FoleyError:  # nothing can be kept; the next process measures again
        gain = measured_gain()
    return "bfloat16" if gain >= _LEAST_GAIN else "float32"


@torch.no_grad()
def measured_gain() -> float:
    """How many times faster a block runs in bfloat16 than in float32: best runs compared, taken in turn.

    In turn, on one thread, and the best of many, because whatever else the machine does disturbs single runs.
    """
    with torch.random.fork_rng(devices=[]):
        block = nn.Sequential(
            nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1),
            nn.GroupNorm(16, _CHANNELS),
            nn.SiLU(),
            nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1),
        )
        picture = torch.randn(2, _CHANNELS, _HEIGHT, _WIDTH)
    low = deepcopy(block).to(torch.bfloat16).to(memory_format=torch.channels_last)
    ways = ((block, picture), (low, picture.to(torch.bfloat16)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        runs = [[_seconds(*way) for way in ways] for _ in range(_RUNS + 1)]
    finally:
        torch.set_num_threads(threads)
    high_s, low_s = (min(taken_s) for taken_s in zip(*runs[1:], strict=True))  # the first prepares the kernels
    return high_s / low_s


def _seconds(block: nn.Module, picture: torch.Tensor) -> float:
    start_s = time.perf_counter()
    block(picture)
    return time.perf_counter() - start_s


def _processor() -> str:
    """Name of the CPU, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        # The flags too: a virtual machine may hide some of them under the same name.
        return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features"))))
    except OSError:
        return f"{platform.processor()} {platform.machine()}"


def _read_gain(path: Path) -> float:
    return float(json.loads(path.read_text(encoding="utf-8"))["gain"])
