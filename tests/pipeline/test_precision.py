"""A CPU's faster numbers are measured once, remembered, and can be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhythmic_foley.pipeline import precision
from rhythmic_foley.pipeline.loading import Running, running_here
from rhythmic_foley.runtime.cache import Cache


@pytest.mark.parametrize(("gain", "chosen"), [(3.0, "bfloat16"), (1.1, "float32"), (0.2, "float32")])
def test_the_faster_numbers_are_chosen_once(
    gain: float, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RHYTHMIC_FOLEY_RUNNING", raising=False)
    monkeypatch.setattr(precision, "measured_gain", lambda: gain)
    assert running_here("cpu", Cache(tmp_path)) == Running(chosen)
    monkeypatch.setattr(precision, "measured_gain", lambda: pytest.fail("measured again"))
    assert running_here("cpu", Cache(tmp_path)) == Running(chosen)


def test_a_person_can_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "measured_gain", lambda: pytest.fail("measured"))
    monkeypatch.setenv("RHYTHMIC_FOLEY_RUNNING", "float32")
    assert running_here("cpu", Cache(tmp_path)) == Running("float32")


def test_it_is_measured_again_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RHYTHMIC_FOLEY_RUNNING", raising=False)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(precision, "measured_gain", lambda: 3.0)
    assert running_here("cpu", Cache(tmp_path / "file")).precision == "bfloat16"


def test_the_measure_is_a_ratio_and_leaves_the_dice_alone() -> None:
    import torch

    before = torch.random.get_rng_state()
    assert 0.001 < precision.measured_gain() < 1000
    assert torch.equal(torch.random.get_rng_state(), before)
