"""What the page costs: python scripts/benchmarks/page.py

From the upload of a 10 s clip in 1080p to its dub, the time outside the networks, stage by stage; the start of the app
and the first load of its page. CPU seconds hardly depend on what else runs on the machine, seconds of the clock do.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

DURATION_S, SIZE = 10.0, (1920, 1080)


class Watch:
    """Times stages, without what is spent inside `apart`."""

    def __init__(self) -> None:
        self.cpu_s = self.clock_s = 0.0
        self.away_cpu_s = self.away_s = 0.0

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Spent in a network."""
        cpu_s, clock_s = time.process_time(), time.perf_counter()
        yield
        self.away_cpu_s += time.process_time() - cpu_s
        self.away_s += time.perf_counter() - clock_s

    def stage(self, name: str, work: Callable[[], Any]) -> Any:
        """Do it and print what it took."""
        away_cpu_s, away_s = self.away_cpu_s, self.away_s
        cpu_s, clock_s = time.process_time(), time.perf_counter()
        result = work()
        spent_cpu_s = time.process_time() - cpu_s - (self.away_cpu_s - away_cpu_s)
        spent_s = time.perf_counter() - clock_s - (self.away_s - away_s)
        self.cpu_s += spent_cpu_s
        self.clock_s += spent_s
        print(f"{name:32} {spent_cpu_s:6.2f} s CPU {spent_s:6.2f} s clock")
        return result


def main() -> None:
    """Print all of it."""
    started_cpu_s, started_s = time.process_time(), time.perf_counter()
    from clips import make_clip
    from toy import save_toy_checkpoint

    from rhythmic_foley.runtime.cache import Cache
    from rhythmic_foley.studio.studio import Studio
    from rhythmic_foley.ui import build_app
    from rhythmic_foley.ui.handlers import Handlers
    from rhythmic_foley.values.controls import Controls

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        studio = Studio(save_toy_checkpoint(folder / "toy"), cache=Cache(folder / "cache"))
        build_app(studio, ())
        cpu_s, clock_s = time.process_time() - started_cpu_s, time.perf_counter() - started_s
        print(f"{'imports and building the page':32} {cpu_s:6.2f} s CPU {clock_s:6.2f} s clock")
        clip = make_clip(folder / "clip.mp4", DURATION_S, 30, SIZE, contact_times_s=(1, 2.5, 4, 7), audio="tone")
        watch = Watch()
        _set_apart(watch, studio)
        page = Handlers(studio, folder / "visits")
        visit = page.visits.new()
        # What a process does only once (libraries that are loaded late) is no part of it.
        warm = make_clip(folder / "warm.mp4", 1.0, 30, contact_times_s=(0.5,), audio="tone")
        list(page.quick(str(warm), (), visit, None))
        page.show_clip(str(warm), None, visit)

        watch.stage("opening: facts, film, waveform", lambda: page.show_clip(str(clip), None, visit))
        analysis = watch.stage("looking", lambda: list(studio.analyse(clip))[-1])
        dub = page.dub(_quiet(), analysis, Controls(steps=2), (), visit, None)
        watch.stage("dubbing and writing", lambda: list(dub))
        print(f"{'all of it outside the networks':32} {watch.cpu_s:6.2f} s CPU {watch.clock_s:6.2f} s clock")


def _quiet() -> Any:
    from rhythmic_foley.ui.jobs import Job

    return Job("generate")


def _set_apart(watch: Watch, studio: Any) -> None:
    """Networks run on a clock of their own: the pipeline's steps and the describer's look at each frame."""
    pipeline = studio.pipeline
    stream = pipeline.stream_together

    def steps(requests: Any) -> Iterator[Any]:
        items = stream(requests)
        while True:
            with watch.apart():
                item = next(items, None)
            if item is None:
                return
            yield item

    pipeline.stream_together = steps
    network = next(part for part in vars(studio.describer).values() if hasattr(part, "forward"))
    forward = network.forward

    def looked(*args: Any, **how: Any) -> Any:
        with watch.apart():
            return forward(*args, **how)

    network.forward = looked


if __name__ == "__main__":
    main()
