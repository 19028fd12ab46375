"""`rhythmic-foley library index|find` with the networks that come with the project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from library.hits import doors, hit, write

from rhythmic_foley.cli import main


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHYTHMIC_FOLEY_CACHE", str(tmp_path / "cache"))


def test_index_counts_what_is_found_and_skipped(tmp_path, capsys):
    folder = doors(tmp_path / "doors", 3)
    (folder / "broken.wav").write_bytes(b"no sound")
    assert main(["library", "index", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"folder": str(folder), "sounds": 3, "samples": 3, "skipped": 1}
    assert "broken.wav" in err


def test_find_looks_in_ones_own_folders_and_in_the_bank(tmp_path, capsys):
    folder = doors(tmp_path / "doors", 2)
    assert main(["library", "find", "front door", "--library", str(folder), "--count", "3"]) == 0
    found = json.loads(capsys.readouterr().out)["found"]
    assert [Path(one["file"]).parent for one in found[:2]] == [folder, folder]
    assert found[0]["similarity"] == pytest.approx(1.0, abs=0.01)
    assert found[2]["licence"] and found[2]["similarity"] < 0.9


def test_find_by_sound(tmp_path, capsys):
    recording = write(tmp_path, "something.wav", hit())
    assert main(["library", "find", "--like", str(recording), "--count", "2"]) == 0
    assert len(json.loads(capsys.readouterr().out)["found"]) == 2


def test_mistakes_are_said_in_a_sentence(tmp_path, capsys):
    assert main(["library", "index", str(tmp_path / "nowhere")]) == 2
    assert main(["library", "find", "door", "--count", "0"]) == 2
    assert "no folder" in capsys.readouterr().err


def test_finding_by_words_needs_no_diffusion_libraries():
    code = (
        "import sys; from rhythmic_foley.cli import main; main(['library', 'find', 'door']);"
        "print([name for name in ('torch', 'diffusers', 'transformers') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
