"""Attacks heard in scenes of known hits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.cli import main
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.heard_onsets import evaluate_heard, print_heard

RATE_HZ = 16_000


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    knock = 0.5 * rng.standard_normal(8_000) * np.exp(-np.arange(8_000) / 600)
    write_wav(tmp_path / "knock.wav", knock, RATE_HZ)
    write_wav(tmp_path / "rain.wav", 0.1 * rng.standard_normal(4 * RATE_HZ), RATE_HZ)
    lines = ["file,split,caption,seconds", "knock.wav,eval,wood knocking,0.5", "rain.wav,eval,rain falling,4.0"]
    (tmp_path / "sounds.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "sounds.csv"


def test_clean_hits_are_heard_and_noise_costs(table: Path):
    clean, quiet, _, loud = evaluate_heard(table, scenes=3)
    assert clean.f1 > 0.95 and clean.error_ms < 10
    assert quiet.f1 > 0.9
    assert loud.f1 <= clean.f1
    assert print_heard([clean]).splitlines()[2].startswith("| no ambience | ")


def test_the_command_prints_a_row_a_level(table: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", "heard-onsets", str(table), "--scenes", "1"]) == 0
    assert capsys.readouterr().out.count("\n") == 6


def test_a_table_without_such_sounds_gives_one_sentence(tmp_path: Path):
    (tmp_path / "empty.csv").write_text("file,split,caption,seconds\n", encoding="utf-8")
    with pytest.raises(FoleyError, match="lists no hits or no ambience"):
        evaluate_heard(tmp_path / "empty.csv")
    with pytest.raises(FoleyError, match="cannot be read"):
        evaluate_heard(tmp_path / "absent.csv")
