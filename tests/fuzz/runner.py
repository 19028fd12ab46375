"""Every file in a process of its own, so that a crash, a hang or a flood of memory is seen and hurts nobody."""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rhythmic_foley.errors import FoleyError

MAX_CPU_S = 10.0
MAX_MEMORY_MB = 1500
# On a busy machine a process may have to wait; one that sleeps for ever is found all the same.
_MAX_WALL_S = 90.0
_MAX_ADDRESS_SPACE = 6 * 1024**3  # protects the machine


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        said: "used", or the sentence with which it was refused, or what went wrong.
        fault: whether that is a fault of the program.
        memory_mb: the most that the process held, with all libraries loaded.
        left: files that lie around afterwards.
    """

    name: str
    said: str
    fault: bool
    cpu_s: float
    memory_mb: float
    left: tuple[str, ...] = ()

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words; nothing for a file that was used or refused as it should be."""
        found = [self.said] if self.fault else []
        if self.cpu_s > MAX_CPU_S:
            found.append(f"took {self.cpu_s:.1f} s of CPU")
        if self.memory_mb > MAX_MEMORY_MB:
            found.append(f"took {self.memory_mb:.0f} MB")
        return found + [f"left {name}" for name in self.left]


def examined(name: str, work: Callable[[Path], None], place: Path) -> Outcome:
    """Runs `work(place)` in a child process with an empty folder of its own.

    Args:
        work: may raise FoleyError; may leave files that `out` begins the name of.
    """
    place.mkdir()
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        _be_child(work, place, sender)
    os.close(sender)
    said = _read(receiver, child)
    _, status, usage = os.wait4(child, 0)
    os.close(receiver)
    fault = not said.startswith(("used", "refused"))
    if os.WIFSIGNALED(status):
        said, fault = said or f"killed by {signal.Signals(os.WTERMSIG(status)).name}", True
    left = [str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()]
    return Outcome(
        name,
        said,
        fault,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        tuple(one for one in sorted(left) if not one.startswith("out")),
    )


def _be_child(work: Callable[[Path], None], place: Path, sender: int) -> None:
    """Never returns; what happened goes to the parent as text."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.environ["TMPDIR"] = str(place)
        work(place)
        said = "used"
    except FoleyError as error:
        said = f"refused: {error}"
    except BaseException:
        said = traceback.format_exc()
    try:
        os.write(sender, said.encode("utf-8", "replace")[:4000])
        sys.stdout.flush()
    finally:
        os._exit(0)


def _read(receiver: int, child: int) -> str:
    """All that the child says; it is killed if it says nothing for too long."""
    text, ends = b"", time.monotonic() + _MAX_WALL_S
    while True:
        ready, _, _ = select.select([receiver], [], [], max(0.0, ends - time.monotonic()))
        if not ready:
            os.kill(child, signal.SIGKILL)
            return f"hung for {_MAX_WALL_S:.0f} s"
        part = os.read(receiver, 65536)
        if not part:
            return text.decode("utf-8", "replace")
        text += part
