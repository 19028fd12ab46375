"""Preparing clips on many machines: each takes a shard at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rhythmic_foley.cluster.ray_tasks import spread
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.training.full.prepare import Preparer, Tally, missing_shards
from rhythmic_foley.training.full.shards import RECORDS_PER_SHARD, Record
from rhythmic_foley.training.full.sources import Clip, Found

Maker = Callable[[Clip], Record | None]


def prepare_on_ray(
    address: str,
    open_maker: Callable[[], Maker],
    found: Found,
    out: Path,
    *,
    part: tuple[int, int] = (0, 1),
    shard_size: int = RECORDS_PER_SHARD,
) -> Tally:
    """As `Preparer.prepare`; clips, shards and model lie where all machines see them.

    Args:
        open_maker: called once on each worker, gives what makes a clip's record.

    Raises:
        FoleyError: if the cluster cannot do it.
    """
    tally = Tally(missing=found.missing)
    shards = missing_shards(found, out, part=part, shard_size=shard_size)
    for _, result in spread(address, partial(_open_worker, open_maker, found, out, shard_size), shards):
        if isinstance(result, FoleyError):
            raise result
        tally += result
    return tally


def _open_worker(open_maker: Callable[[], Maker], found: Found, out: Path, shard_size: int) -> Callable[[int], Tally]:
    preparer = Preparer(open_maker())
    return lambda number: preparer.shard(found, out, number, shard_size)
