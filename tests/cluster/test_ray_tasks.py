"""Workers that die and machines that leave, on real Ray clusters whose machines are processes."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rhythmic_foley.cluster.ray_tasks import spread
from rhythmic_foley.errors import FoleyError

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes with a worker each."""
    cluster = importlib.import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1}
    )
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()


def open_counting(folder: Path) -> Callable[[int], int]:
    """Tens of numbers; leaves a file for each time it was opened, and for each time it was asked."""
    (folder / f"opened-{os.getpid()}").touch()

    def ten_times(number: int) -> int:
        begun = folder / f"begun-{number}"
        if number == 1 and not begun.exists():
            begun.touch()
            os._exit(1)
        begun.touch()
        return 10 * number

    return ten_times


def open_dying() -> Callable[[int], int]:
    return os._exit


def open_stuck(folder: Path, leaving: str) -> Callable[[int], int]:
    """Leaves a file when it has begun; on the node that will leave it gets no further."""
    here = importlib.import_module("ray").get_runtime_context().get_node_id()

    def work(number: int) -> int:
        if here == leaving:
            (folder / "begun").touch()
            time.sleep(600)
        return number

    return work


def test_what_a_dead_worker_did_is_done_again(cluster, tmp_path: Path) -> None:
    results = dict(spread(cluster.address, partial(open_counting, tmp_path), [0, 1, 2, 3, 4, 5]))
    assert results == {n: 10 * n for n in range(6)}
    # A worker is opened once, whatever it does: at most one on each node, and one in the place of the dead one.
    assert 2 <= len(list(tmp_path.glob("opened-*"))) <= 3


def test_a_task_that_kills_every_worker_is_a_sentence(cluster) -> None:
    with pytest.raises(FoleyError, match="The cluster could not do the work"):
        list(spread(cluster.address, open_dying, [1]))


def test_a_machine_that_leaves_takes_no_work_with_it(cluster, tmp_path: Path) -> None:
    leaving = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)

    def leave() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        cluster.remove_node(leaving, allow_graceful=False)

    threading.Thread(target=leave, daemon=True).start()
    results = dict(spread(cluster.address, partial(open_stuck, tmp_path, leaving.node_id), [0, 1, 2, 3]))
    assert results == {n: n for n in range(4)}
    assert (tmp_path / "begun").exists()
