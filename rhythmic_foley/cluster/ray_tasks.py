"""Work spread over the machines of a Ray cluster: a worker for each GPU, or for each CPU where there is none.

Ray does the scheduling: what is lost with a machine is done again on another one.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from rhythmic_foley.errors import FoleyError

Task = TypeVar("Task")
Result = TypeVar("Result")

_RETRIES = 2


def spread(
    address: str, open_worker: Callable[[], Callable[[Task], Result]], tasks: Sequence[Task]
) -> Iterator[tuple[int, Result | FoleyError]]:
    """Does tasks on a cluster, in any order; yields each one's number and result, or what a person can mend about it.

    Args:
        address: of the cluster as `ray.init` takes it; "local" starts one on this machine.
        open_worker: called once by each worker, which may mean loading a model; what it returns does a task.

    Raises:
        FoleyError: if Ray is not installed, there is no cluster, or a task fails again and again.
    """
    ray = _connected(address)
    # Tasks, not actors: an actor whose machine left waits for another machine, and its task with it, while a task goes
    # to any worker that is free. Processes are kept, also with a GPU, so that each opens its worker once.
    kind = "num_gpus" if ray.cluster_resources().get("GPU") else "num_cpus"
    do = ray.remote(**{kind: 1}, max_retries=_RETRIES, max_calls=0)(do_task)
    opening = ray.put(pickle.dumps(open_worker))
    try:
        done = [do.remote(opening, number, task) for number, task in enumerate(tasks)]
        yield from ray.util.as_completed(done, chunk_size=1)
    except ray.exceptions.RayError as error:
        raise FoleyError(f"The cluster could not do the work ({_first_line(error)}); see Ray's log.") from error
    finally:
        ray.shutdown()


def do_task(opening: bytes, number: int, task: Any) -> tuple[int, Any]:
    """On a machine of the cluster: the task's result; what a person can mend is one too, since trying again is no use.

    Args:
        opening: pickled, what opens the worker that does the task.
    """
    try:
        return number, _opened(opening)(task)
    except FoleyError as error:
        return number, error


@lru_cache(maxsize=1)
def _opened(opening: bytes) -> Callable[[Any], Any]:
    return pickle.loads(opening)()


def _connected(address: str) -> Any:
    try:
        ray = importlib.import_module("ray")  # of the extra [ray]
    except ImportError:
        raise FoleyError("Many machines need Ray: pip install rhythmic-foley[ray].") from None
    try:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise FoleyError(f"There is no Ray cluster at {address} ({_first_line(error)}).") from error
    return ray


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
