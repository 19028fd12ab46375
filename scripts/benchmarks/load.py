#!/usr/bin/env python3
"""Many visitors at once against one worker on this machine: is the queue fair, are files kept apart, does memory grow?

    python scripts/benchmarks/load.py --visitors 50 --dubs 200

starts the app on a toy model (or --model NAME), lets every visitor dub a clip of their own length again and again over
the network interface of 127.0.0.1, and prints what was seen as JSON. It ends with 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from clips import make_clip  # noqa: E402
from gradio_client import Client, handle_file  # noqa: E402
from toy import save_toy_checkpoint  # noqa: E402

from rhythmic_foley.media.reading import probe  # noqa: E402

_FRAME_S = 0.04
_CANCELLED_STEPS = 200


@dataclass
class Seen:
    """What the visitors saw, in the order it happened."""

    asked: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    positions: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = arguments.model or str(save_toy_checkpoint(folder / "toy"))
        port = _free_port()
        server = _serve(model, port, folder)
        try:
            report = _load(arguments, f"http://127.0.0.1:{port}", folder, server.pid)
        finally:
            server.terminate()
            server.wait(30)
    print(json.dumps(report, indent=2))
    return 1 if report["wrong"] else 0


def _load(arguments: argparse.Namespace, url: str, folder: Path, pid: int) -> dict:
    clips = [make_clip(folder / f"{n}.mp4", duration_s=1 + n * _FRAME_S, fps=25) for n in range(arguments.visitors)]
    clients = [Client(url, verbose=False) for _ in clips]
    seen, rounds = Seen(), -(-arguments.dubs // arguments.visitors)
    began_s = time.monotonic()
    for number in range(rounds):
        with ThreadPoolExecutor(arguments.visitors) as visitors:
            list(visitors.map(lambda n, r=number: _visit(clients[n], clips[n], n, r, seen, pid), range(len(clips))))
    took_s = time.monotonic() - began_s
    if not seen.memory_mib:
        raise SystemExit(f"No dub came back; the first said: {seen.wrong[0]}")
    turns = [seen.done.index(visit) - place for place, visit in enumerate(seen.asked)]
    return {
        "visitors": arguments.visitors,
        "dubs": len(seen.done),
        "seconds": round(took_s, 1),
        "places passed by another at most": max(map(abs, turns)),
        "longest queue shown": max(seen.positions, default=0),
        "memory after a quarter of the dubs, MiB": _quarter(seen.memory_mib),
        "memory at the end, MiB": seen.memory_mib[-1],
        "cache, MiB": round(_size(folder / "cache") / 2**20, 1),
        "cancelled work holds its slot for, s": _cancelled(clients[0], clients[1], clips[0], clips[1]),
        "folders of abandoned visitors left": _abandoned(clients[0], clips[0], folder / "gradio" / "visits"),
        "wrong": seen.wrong,
    }


def _visit(client: Client, clip: Path, number: int, round_: int, seen: Seen, pid: int) -> None:
    """One dub; whatever is not this visitor's own is noted."""
    seed = 1000 * round_ + number
    with seen.lock:  # so that the order of asking is known
        job = client.submit(handle_file(str(clip)), text="wood", onsets=[0.5], steps=1, seed=seed, api_name="/dub")
        while job.status().code.name == "STARTING":
            time.sleep(0.005)
        seen.asked.append(seed)
    while not job.done():
        rank = job.status().rank
        if rank is not None:
            seen.positions.add(rank)
        time.sleep(0.05)
    try:
        videos, *_, about = job.result()
    except Exception as error:
        with seen.lock:
            seen.done.append(seed)
            seen.wrong.append(f"visitor {number}: {error}")
        return
    with seen.lock:
        seen.done.append(seed)
        seen.memory_mib.append(_memory_mib(pid))
        if about["takes"][0]["seed"] != seed:
            seen.wrong.append(f"visitor {number} got the take of another seed")
        if abs(probe(videos[0]).duration_s - probe(clip).duration_s) > _FRAME_S / 2:
            seen.wrong.append(f"visitor {number} got another one's video")


def _cancelled(one: Client, other: Client, clip: Path, other_clip: Path) -> float:
    """How long after a cancellation the next in the queue has begun and finished a dub of one step."""
    long = one.submit(handle_file(str(clip)), text="rain", steps=_CANCELLED_STEPS, seed=1, api_name="/dub")
    while not long.outputs():
        time.sleep(0.02)
    following = other.submit(handle_file(str(other_clip)), text="rain", steps=1, seed=2, api_name="/dub")
    began_s = time.monotonic()
    long.cancel()
    while not following.outputs():
        time.sleep(0.01)
    waited_s = round(time.monotonic() - began_s, 2)
    following.result()
    return waited_s


def _abandoned(client: Client, clip: Path, visits: Path) -> int:
    """Makes all visitors' folders seven hours old; the next visitor clears them away."""
    for folder in visits.iterdir():
        old_s = time.time() - 7 * 3600
        os.utime(folder, (old_s, old_s))
    client.predict(handle_file(str(clip)), text="rain", steps=1, seed=3, api_name="/dub")
    return sum(1 for _ in visits.iterdir()) - 1


def _serve(model: str, port: int, folder: Path) -> subprocess.Popen:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RHYTHMIC_FOLEY_CACHE": str(folder / "cache"),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    command = [sys.executable, "-m", "rhythmic_foley", "app", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([*command, "--model", model], env=environment, stdout=subprocess.DEVNULL)
    while server.poll() is None:
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=30).close()
            return server
        except OSError:
            time.sleep(0.5)
    raise SystemExit("The app did not start.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=50, help="at once (%(default)s)")
    parser.add_argument("--dubs", type=int, default=200, help="of all together, at least (%(default)s)")
    parser.add_argument("--model", help="name or folder of a checkpoint (a toy)")
    return parser.parse_args()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return round(int(status.split("VmRSS:")[1].split()[0]) / 1024, 1)


def _quarter(values: list[float]) -> float:
    return values[len(values) // 4]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
