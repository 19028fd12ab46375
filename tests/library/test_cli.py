"""`rhythmic-foley library index|find` with the networks that come with the project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import make_clip
from library.hits import doors, hit, write

from rhythmic_foley.audio.onset_detection import attack_times
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


def test_one_command_puts_ones_own_door_at_every_onset_of_two_clips(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("rhythmic_foley.studio.studio.load_pipeline", None)  # samples alone need no model
    clips = [str(make_clip(tmp_path / name, duration_s=2.0)) for name in ("a.mp4", "b.mp4")]
    folder, onsets_s = doors(tmp_path / "doors"), [0.3, 0.7, 1.1, 1.15, 1.6]
    arguments = ["--library", str(folder), "--text", "wooden door slam", "--onsets", str(onsets_s)[1:-1]]
    assert main(["dub", *clips, *arguments, "--out", str(tmp_path / "out")]) == 0
    takes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(takes) == 2
    for take in takes:
        wave, rate_hz = soundfile.read(take["wav"])
        found_s = attack_times(wave, rate_hz).times_s
        for onset_s in (0.3, 0.7, 1.1, 1.6):  # the detector joins what is closer than 48 ms
            assert min(abs(one - onset_s) for one in found_s) < 0.001
        hits = [wave[round(onset_s * rate_hz) :][:2000] for onset_s in (0.3, 0.7, 1.1, 1.6)]
        for number, one in enumerate(hits):
            assert all(abs(one @ other) < 0.5 * np.sqrt((one @ one) * (other @ other)) for other in hits[:number])


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
