"""Read visitors' files in child processes, so that native code which fails there takes nobody else down.

The app calls `isolate_readers` once. From then on every function marked `@isolated` runs in a process of its own, with
limits of memory and time, and its result travels back through a socket. A crash, an endless loop or too much memory in
there becomes one sentence. Without that call, as on the command line, the functions run where they are called.

One small process, the nursery, has the readers' libraries loaded and forks a child for each call: that takes
milliseconds, and forking it is safe because it has one thread. The app itself has many and is never forked.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from rhythmic_foley.errors import FoleyError

P = ParamSpec("P")
R = TypeVar("R")

_ROOM_BYTES = 8 * 1024**2  # the system may give less
_ITEM, _END, _ERROR = "item", "end", "error"
_marked = {"soundfile", "soxr"}  # modules that are loaded before children are forked: libraries, and those marked
_nursery: _Nursery | None = None
_limits: Limits | None = None  # of this process, if it is a child


@dataclass(frozen=True)
class Limits:
    """What a child process may take.

    Attributes:
        memory_bytes: of addresses.
        call_s: for one call into a decoder.
        cpu_s: in all. Encoding ten minutes of 4K anew takes long.
    """

    memory_bytes: int = 4 * 1024**3
    call_s: int = 60
    cpu_s: int = 2 * 60 * 60


def isolate_readers(limits: Limits | None = None) -> bool:
    """Have marked functions run in child processes from now on; False where the system cannot fork (Windows)."""
    global _nursery
    if _nursery is None and hasattr(os, "fork") and hasattr(socket, "send_fds"):
        _nursery = _Nursery(limits or Limits())
    return _nursery is not None


def share_process() -> None:
    """Undo `isolate_readers`."""
    global _nursery
    if _nursery is not None:
        _nursery.close()
    _nursery = None


def isolated(work: Callable[P, R]) -> Callable[P, R]:
    """Mark a function, or generator, of a module that reads what a person brought; its first argument is the file.

    Arguments and results must be picklable. What it raises is raised here.

    Raises:
        FoleyError: if the child process crashed, hung, or had too little memory.
    """
    _marked.add(work.__module__)

    @functools.wraps(work)
    def call(*args: P.args, **options: P.kwargs) -> Any:
        if _nursery is None or _limits is not None:
            return work(*args, **options)
        answers = _answers(_nursery, work, args, options)
        if inspect.isgeneratorfunction(work):
            return (value for kind, value in answers if kind == _ITEM)
        return next(value for kind, value in answers if kind == _END)

    return call


@contextmanager
def decoder_call() -> Iterator[None]:
    """End this process, if it is a reader's child, when what is done inside takes longer than `Limits.call_s`.

    The system does that, since Python gets no word in while native code runs.
    """
    if _limits is None:
        yield
        return
    signal.alarm(_limits.call_s)
    try:
        yield
    finally:
        signal.alarm(0)


def _answers(nursery: _Nursery, work: Callable, args: tuple, options: dict) -> Iterator[tuple[str, Any]]:
    """What the child says: (kind, value), items first."""
    name = Path(str(args[0])).name if args else "The file"
    connection = nursery.child()
    try:
        connection.send((nursery.limits, work.__module__, work.__name__, args, options))
        while True:
            kind, value = connection.recv()
            if kind == _ERROR:
                raise value
            yield kind, value
            if kind == _END:
                return
    except MemoryError:
        raise FoleyError(f"{name} takes too much memory to decode; convert it to an H.264 MP4 file.") from None
    except (EOFError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, ConnectionError):
            raise
        raise FoleyError(f"{name} makes its decoder crash or hang; convert it to an H.264 MP4 file.") from None
    finally:
        connection.close()


class _Nursery:
    """A process with the readers' libraries loaded, which forks a child for each call."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None

    def child(self) -> Any:
        """A new child, as a connection to it (multiprocessing.connection.Connection)."""
        from multiprocessing.connection import Connection

        ours, theirs = socket.socketpair()
        for end in (ours, theirs):  # room for whole pictures, so that neither side waits for the other at every piece
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM_BYTES)
        with theirs, self._lock:
            control = self._control or self._start()
            try:
                socket.send_fds(control, [b"c"], [theirs.fileno()])
            except OSError:  # it died, as when the system ran out of memory
                socket.send_fds(self._start(), [b"c"], [theirs.fileno()])
        return Connection(ours.detach())

    def close(self) -> None:
        """End the process; children that are at work finish."""
        with self._lock:
            self._end()

    def _start(self) -> socket.socket:
        self._end()
        control, theirs = socket.socketpair()
        self._control = control
        package = Path(__file__).resolve().parents[2]
        paths = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
        code = f"from {__name__} import _serve; _serve({theirs.fileno()}, {sorted(_marked)!r})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the app, whose end the nursery notices
        )
        theirs.close()
        return control

    def _end(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()
            self._process.wait()
        self._control = self._process = None


def _serve(control_fd: int, modules: list[str]) -> None:
    """The nursery's life: fork a child for every socket that comes, until the app is gone."""
    for module in modules:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries children by itself
    control = socket.socket(fileno=control_fd)
    while True:
        message, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _be_child(sockets[0])
        os.close(sockets[0])


def _be_child(handle: int) -> None:
    """Do one call; never returns."""
    global _limits
    import resource
    from multiprocessing.connection import Connection

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        with Connection(handle) as connection, suppress(EOFError, ConnectionError):  # nobody waits for it any more
            _limits, module, name, args, options = connection.recv()
            for kind, most in (("AS", _limits.memory_bytes), ("CPU", _limits.cpu_s), ("CORE", 0)):
                resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))
            _answer(connection, getattr(importlib.import_module(module), name), args, options)
    finally:
        os._exit(0)


def _answer(connection: Any, work: Callable, args: tuple, options: dict) -> None:
    try:
        result = work(*args, **options)
        if inspect.isgenerator(result):
            for item in result:
                connection.send((_ITEM, item))
            result = None
        connection.send((_END, result))
    except ConnectionError:
        raise
    except MemoryError:
        connection.send((_ERROR, MemoryError()))
    except Exception as error:
        plain = isinstance(error, FoleyError) or type(error).__module__ == "builtins"  # libraries' own may not travel
        connection.send((_ERROR, error if plain else RuntimeError(f"{type(error).__name__}: {error}")))
