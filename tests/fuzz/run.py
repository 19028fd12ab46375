"""Fuzzes the whole way of a clip: `python tests/fuzz/run.py --files 2400`. Prints what is wrong, and a summary."""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # threads do not survive a fork

from fuzz.clips_of_all_kinds import KINDS  # noqa: E402
from fuzz.corpus import Corpus  # noqa: E402
from fuzz.odd_kinds import ODD_KINDS  # noqa: E402
from fuzz.runner import Outcome, examined  # noqa: E402
from fuzz.sounds_of_all_kinds import sounds  # noqa: E402
from fuzz.work import clip_work, sound_work  # noqa: E402
from toy import save_toy_checkpoint  # noqa: E402

from rhythmic_foley.studio.studio import Studio  # noqa: E402


def main() -> int:
    """Runs the files from `--first` on; the exit code says whether anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2400, help="how many clips (%(default)s)")
    parser.add_argument("--sounds", type=int, default=400, help="how many sound files (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first clip")
    parser.add_argument("--odd", action="store_true", help="start from odd_kinds.py: layouts, colours, fields, names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    parser.add_argument("--all", action="store_true", help="also print what became of files that are no trouble")
    args = parser.parse_args()
    ends = time.monotonic() + 60 * args.minutes
    with tempfile.TemporaryDirectory() as folder:
        outcomes = []
        for outcome in takewhile(lambda _: time.monotonic() < ends, outcomes_of(args, Path(folder))):
            outcomes.append(outcome)
            for fault in outcome.faults:
                print(f"{outcome.name}: {fault}", flush=True)
            if args.all and not outcome.faults:
                print(
                    f"{outcome.name}: {outcome.said} ({outcome.cpu_s:.1f} s, {outcome.memory_mb:.0f} MB)", flush=True
                )
        print(summary(outcomes))
    return int(any(outcome.faults for outcome in outcomes))


def outcomes_of(args: argparse.Namespace, folder: Path) -> Iterator[Outcome]:
    """What becomes of each file."""
    for number, (name, suffix, data) in enumerate(sounds(args.sounds, args.seed)):
        yield examined(name, sound_work(data, suffix), folder / f"sound-{number}")
    corpus = Corpus(folder / "kinds", args.seed, tuple(ODD_KINDS if args.odd else KINDS))
    studio = Studio(save_toy_checkpoint(folder / "toy"))
    studio.describer  # noqa: B018  (loaded once, before the processes divide)
    for number in range(args.first, args.first + args.files):
        name = corpus.name(number)
        yield examined(name, clip_work(name, corpus.content(number), studio), folder / f"clip-{number}")


def summary(outcomes: list[Outcome]) -> str:
    """Counts and extremes."""
    kinds = Counter("wrong" if one.faults else one.said.split(":")[0] for one in outcomes)
    slowest, largest = max(one.cpu_s for one in outcomes), max(one.memory_mb for one in outcomes)
    return (
        f"{len(outcomes)} files: {kinds['used']} used, {kinds['refused']} refused with a sentence, "
        f"{kinds['wrong']} wrong; at most {slowest:.1f} s of CPU and {largest:.0f} MB a file"
    )


if __name__ == "__main__":
    sys.exit(main())
