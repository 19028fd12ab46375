"""ViSQOL: the package's score where it is installed, and what happens around it everywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.visqol import SILENT_SCORE, Visqol, is_silent


class FakeApi:
    """Stands in for the package: remembers what it was given."""

    given: list[tuple[np.ndarray, np.ndarray, int]] = []
    answer: float = 3.5

    def create(self, mode: str) -> None:
        assert mode == "audio"

    def measure_from_arrays(self, reference: np.ndarray, degraded: np.ndarray, rate_hz: int) -> SimpleNamespace:
        FakeApi.given.append((reference, degraded, rate_hz))
        if min(len(reference), len(degraded)) < 4800:
            raise ValueError("too short")
        return SimpleNamespace(moslqo=self.answer)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeApi]:
    monkeypatch.setitem(sys.modules, "visqol", SimpleNamespace(VisqolApi=FakeApi))
    monkeypatch.setattr(FakeApi, "given", [])
    return FakeApi


def tone(hz: float, rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def test_without_the_package_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "visqol", None)
    with pytest.raises(FoleyError, match="visqol-python"):
        Visqol()


def test_both_sides_come_at_48_khz(fake: type[FakeApi]) -> None:
    assert Visqol().score(tone(440, 16_000), 16_000, tone(440, 44_100), 44_100) == 3.5
    reference, degraded, rate_hz = fake.given[0]
    assert (len(reference), len(degraded), rate_hz) == (48_000, 48_000, 48_000)
    assert reference.dtype == degraded.dtype == np.float64
    assert np.abs(reference - degraded)[4800:-4800].max() < 0.01


def test_a_band_limit_is_for_both_sides(fake: type[FakeApi]) -> None:
    high, low = tone(10_000, 48_000), tone(1000, 48_000)
    Visqol(band_hz=8000).score(high + low, 48_000, low + high, 48_000)
    for wave in fake.given[0][:2]:
        assert np.abs(wave - tone(1000, 48_000))[4800:-4800].max() < 0.01


def test_silence(fake: type[FakeApi]) -> None:
    visqol, sound, silence = Visqol(), tone(440, 48_000), np.zeros(48_000, np.float32)
    assert visqol.score(sound, 48_000, silence, 48_000) == SILENT_SCORE == 1.0
    assert visqol.score(silence, 48_000, sound, 48_000) is None
    assert fake.given == []


def test_no_score_is_none(fake: type[FakeApi], monkeypatch: pytest.MonkeyPatch) -> None:
    assert Visqol().score(tone(440, 48_000, 0.05), 48_000, tone(440, 48_000, 0.05), 48_000) is None
    monkeypatch.setattr(FakeApi, "answer", float("nan"))
    assert Visqol().score(tone(440, 48_000), 48_000, tone(500, 48_000), 48_000) is None


def test_what_counts_as_silent() -> None:
    assert is_silent(np.zeros(0)) and is_silent(np.full(10, 0.5e-4)) and not is_silent(np.array([0.0, -2e-4]))


def test_reference_pairs(shared_dir: Path) -> None:
    """A few pairs only: a pair takes seconds, and the first one compiles the package's loops."""
    pytest.importorskip("visqol", reason="ViSQOL is an extra: pip install .[visqol]; the fake stands in above")
    folder = shared_dir / "reference/metrics/fixtures"
    expected = json.loads((folder / "visqol_pairs.json").read_text(encoding="utf-8"))["pairs"]

    def read(name: str) -> np.ndarray:
        return soundfile.read(folder / f"audio/{name}.flac", dtype="float32")[0]

    visqol = Visqol()
    for pair, real, generated in (
        ("anvil/identical", "anvil", "anvil"),
        ("anvil/noise10", "anvil", "anvil_noise10"),
        ("anvil/stretch110", "anvil", "anvil_stretch110"),
    ):
        score = visqol.score(read(real), 16_000, read(generated), 16_000)
        assert score == pytest.approx(expected[pair]["audio48k"], abs=0.01), pair
