#!/usr/bin/env python3
"""How long a person waits, beside another checkout: python scripts/benchmarks/targets.py [--against FOLDER]

Every command is run in turn by this checkout and the other one (A B A B ...), so that a machine whose speed drifts
drifts for both. Prints medians as a Markdown table: seconds of the clock, processor seconds, and the median of the
ratios within each pair. On a machine that does other work only the ratios and the processor seconds mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

SIZE_5_S, SIZE_10_S = (640, 360), (1920, 1080)
# What a process that stays open does, as the page does; it prints the seconds of each thing.
STAYING = """
import json, resource, sys, time
from dataclasses import replace
from pathlib import Path
from rhythmic_foley import Controls, Onsets, Studio

def spent(work):
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start_s, time.process_time() - start_cpu_s

short, long, out = sys.argv[1:]
studio = Studio("mini")
*_, analysis = studio.analyse(short)
asked = replace(studio.defaults, text="hammering wood", onsets=Onsets.of([1.0, 2.0]), seed=1)
dub = lambda clip, controls: list(studio.dub(clip, controls, Path(out)))
dub(analysis, asked)
request = dict(events=analysis.events, onsets=Onsets.of([1.0, 2.0, 4.5]), steps=studio.defaults.steps)
studio.pipeline(**request)
done = {"window": spent(lambda: studio.pipeline(**request))}
done["moved"] = spent(lambda: dub(analysis, replace(asked, onsets=Onsets.of([1.1, 2.0]))))
done["quick"] = spent(lambda: dub(list(studio.analyse(long))[-1], replace(studio.defaults, seed=1)))
print(json.dumps(done))
"""
Times = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """What is measured, and the seconds that it may take; `times` are (clock, processor) seconds of each run."""

    name: str
    goal_s: float | None
    ours: tuple[Times, ...]
    theirs: tuple[Times, ...] = ()

    def to_markdown(self) -> str:
        """A line of the table."""
        cells = [self.name, "" if self.goal_s is None else f"{self.goal_s:g}"]
        for times in (self.ours, self.theirs):
            cells += [f"{median(part):.2f}" for part in zip(*times, strict=True)] or ["", ""]
        pairs = [list(zip(*pair, strict=True)) for pair in zip(self.ours, self.theirs, strict=False)]
        for part in (0, 1):
            cells.append(f"{median(ours / their for ours, their in (p[part] for p in pairs)):.2f}" if pairs else "")
        return f"| {' | '.join(cells)} |"


class Checkout:
    """One version of the project: runs its code, with a cache that is empty each time unless it is given one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def run(self, code: Sequence[str], cache: Path | None = None, precision: str = "") -> tuple[Times, str]:
        """Runs `python ARGUMENTS` and gives (clock, processor) seconds and what it printed."""
        with tempfile.TemporaryDirectory() as empty:
            environment = {
                **os.environ,
                "PYTHONPATH": str(self.folder),
                "RHYTHMIC_FOLEY_CACHE": str(cache or empty),
                "RHYTHMIC_FOLEY_RUNNING": precision,
            }
            before, start_s = os.times(), time.perf_counter()
            done = subprocess.run(
                [sys.executable, *code], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
            )
            after, clock_s = os.times(), time.perf_counter() - start_s
        if done.returncode not in (0, 2):
            raise SystemExit(done.stderr)
        cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
        return (clock_s, cpu_s), done.stdout


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--runs", type=int, default=5, help="of everything (%(default)s)")
    asked = parser.parse_args()
    from clips import make_clip

    checkouts = [Checkout(ROOT), *([Checkout(asked.against)] if asked.against else [])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = make_clip(folder / "short.mp4", 5.0, 30, SIZE_5_S, contact_times_s=(1, 2.5, 4))
        long = make_clip(folder / "long.mp4", 10.0, 30, SIZE_10_S, contact_times_s=(1, 2.5, 4, 7))
        print("| | goal (s) | clock (s) | CPU (s) | other, clock | other, CPU | ratio, clock | ratio, CPU |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
        for row in (*_commands(checkouts, asked.runs, short, folder), *_staying(checkouts, asked.runs, short, long)):
            print(row.to_markdown(), flush=True)


def _commands(checkouts: Sequence[Checkout], runs: int, short: Path, folder: Path):
    """What a person types, from Enter to the prompt."""
    dub = ["dub", str(short), "--seed", "1", "--out", str(folder / "dubs")]
    told = [*dub, "--text", "hammering wood", "--onsets", "1, 2.5, 4"]
    for name, goal_s, arguments in (
        ("`--help`", 0.3, ["--help"]),
        ("an error", 0.3, ["describe", "missing.mp4"]),
        ("`describe`, 5 s clip", 3.0, ["describe", str(short)]),
        ("`onsets`, 5 s clip", 3.0, ["onsets", str(short)]),
        ("`dub`, 5 s clip, nothing known", 5.0, dub),
        ("`dub`, 5 s clip, sounds and onsets given", None, told),
    ):
        code = ["-m", "rhythmic_foley", *arguments]
        yield Row(name, goal_s, *_in_turn(checkouts, runs, lambda one, code=code: one.run(code)[0]))


def _staying(checkouts: Sequence[Checkout], runs: int, short: Path, long: Path):
    """What a person waits for whose program is open; its own cache, so that nothing but itself is found again."""
    goals = {"window": (1.0, 0.6), "moved": (1.5, 1.5), "quick": (6.0, 6.0)}
    names = {
        "window": "a window, both adapters",
        "moved": "an onset moved, 5 s clip: to the take",
        "quick": "looking and dubbing, 10 s of 1080p",
    }
    for column, precision in enumerate(("float32", "")):

        def run(one: Checkout, precision: str = precision) -> dict[str, Times]:
            with tempfile.TemporaryDirectory() as out:
                return json.loads(one.run(["-c", STAYING, str(short), str(long), out], precision=precision)[1])

        found = _in_turn(checkouts, runs, run)
        for key, name in names.items():
            how = precision or "as this machine is fastest"
            times = [tuple(tuple(done[key]) for done in one) for one in found]
            yield Row(f"{name}, {how}", goals[key][column], *times)


def _in_turn(checkouts: Sequence[Checkout], runs: int, work: Callable[[Checkout], object]) -> list[tuple]:
    """What the work gives for each checkout, run by run; the first of each, which warms up, is left out."""
    rounds = [[work(one) for one in checkouts] for _ in range(runs + 1)]
    return [tuple(column) for column in zip(*rounds[1:], strict=True)]


if __name__ == "__main__":
    main()
