"""Prepared clips: what goes into a shard comes out again, as windows of the number of a draw."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.training.full.examples import Example, Shards, cut, record_of
from rhythmic_foley.training.full.shards import write_shard
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets


def example(number: int) -> Example:
    """Ten seconds whose latent counts its columns and whose features count themselves."""
    columns, features = np.arange(78), np.arange(40)
    return Example(
        latent=np.broadcast_to(columns + 100 * number, (4, 16, 78)).astype(np.float16),
        features=np.repeat(features[:, None], 3, axis=1).astype(np.float16),
        caption=f"clip {number}",
        events=(SoundEvent("dog barking", start_s=0.5, end_s=1.0), SoundEvent("rain", start_s=2.0)),
        onsets=Onsets.of([0.5, 2.0], [1.0, 0.5]),
    )


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    for shard in range(2):
        numbers = (3 * shard, 3 * shard + 1)
        (tmp_path / str(shard)).mkdir()
        write_shard(tmp_path / str(shard) / "0.tar", ((f"clip{n}", record_of(example(n))) for n in numbers))
    return Shards(tmp_path)


def test_what_goes_in_comes_out(shards: Shards) -> None:
    assert len(shards) == 4
    for index, number in enumerate((0, 1, 3, 4)):
        found, wanted = shards[index], example(number)
        assert np.array_equal(found.latent, wanted.latent) and np.array_equal(found.features, wanted.features)
        assert (found.caption, found.events, found.onsets) == (wanted.caption, wanted.events, wanted.onsets)


def test_shards_are_webdataset(tmp_path: Path, shards: Shards) -> None:
    """A tar of files whose name up to the first dot is the example and the rest says what it is."""
    with tarfile.open(tmp_path / "0" / "0.tar") as shard:
        names = shard.getnames()
    assert names[:3] == ["clip0.latent.npy", "clip0.features.npy", "clip0.json"]


def test_a_window_takes_everything_along() -> None:
    """Column 8 begins at 1.024 s, nearest to feature 4; the dog is over by then."""
    latent, features, mask, caption, events = cut(example(1), 8)
    assert latent[0, 0].tolist() == list(range(108, 172))
    assert features[:, 0].tolist() == list(range(4, 36))
    assert caption == "clip 1"
    assert mask.shape == (1, 512) and mask.nonzero()[:, 1].tolist() == [61] and mask.max() == 0.5
    assert [(event.label, event.start_s, event.end_s) for event in events] == [("rain", pytest.approx(0.976), None)]


def test_a_draw_is_its_numbers_alone(shards: Shards) -> None:
    first, again, other, reseeded = (
        shards.draw(number, 6, seed=seed).latents for number, seed in ((5, 0), (5, 0), (6, 0), (5, 1))
    )
    assert first.shape == (6, 4, 16, 64)
    assert torch.equal(first, again)
    assert not torch.equal(first, other) and not torch.equal(first, reseeded)


def test_no_shards_and_damaged_ones(tmp_path: Path, shards: Shards) -> None:
    with pytest.raises(FoleyError, match="no prepared shards"):
        Shards(tmp_path / "none")
    (tmp_path / "0" / "0.tar").write_bytes(b"not a tar" * 100)
    with pytest.raises(FoleyError, match=r"0\.tar is damaged"):
        Shards(tmp_path)
