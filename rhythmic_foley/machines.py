"""Work spread over the machines of a Ray cluster: a worker for each GPU, or for each CPU where there is none.

Ray does the scheduling: what is lost with a machine is done again on another one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
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
    resources = ray.cluster_resources()
    kind = "num_gpus" if resources.get("GPU") else "num_cpus"
    workers = min(len(tasks), int(resources.get("GPU") or resources.get("CPU", 1)))
    options = {kind: 1, "max_restarts": _RETRIES, "max_task_retries": _RETRIES}
    worker = ray.remote(_Worker).options(**options)
    pool = ray.util.ActorPool([worker.remote(open_worker) for _ in range(workers)])
    try:
        yield from pool.map_unordered(lambda actor, task: actor.do.remote(*task), list(enumerate(tasks)))
    except ray.exceptions.RayError as error:
        raise FoleyError(f"The cluster could not do the work ({_first_line(error)}); see Ray's log.") from error
    finally:
        ray.shutdown()


class _Worker:
    """On a machine of the cluster: opened once, then given tasks."""

    def __init__(self, open_worker: Callable[[], Callable[[Any], Any]]) -> None:
        self._do = open_worker()

    def do(self, number: int, task: Any) -> tuple[int, Any]:
        """The task's result; what a person can mend is one too, since trying again would not help."""
        try:
            return number, self._do(task)
        except FoleyError as error:
            return number, error


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
