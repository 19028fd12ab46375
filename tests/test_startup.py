"""What a command imports: nobody waits for a library that is not used. Times are measured by scripts/benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clips import make_clip
from toy import save_toy_checkpoint

from rhythmic_foley.models.event_detector import EventDetector

ROOT = Path(__file__).parents[1]
SOUND_MODEL = {"diffusers", "transformers", "accelerate", "librosa", "gradio", "matplotlib", "scipy", "torch._dynamo"}
NETWORKS = SOUND_MODEL | {"torch", "cv2"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save_toy_checkpoint(tmp_path_factory.mktemp("model") / "toy")
    EventDetector(widths=(4, 6, 8), hidden=12).save_pretrained(folder / "event_detector")
    return folder


def imported_by(arguments: list[str], cache: Path) -> tuple[int, str, set[str]]:
    """Exit code and output of a command in a fresh process, and what was imported when it ended."""
    code = (
        "import json, sys\n"
        "from rhythmic_foley.cli import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        "print(json.dumps([code, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "RHYTHMIC_FOLEY_CACHE": str(cache)},
    )
    printed, last = done.stdout.rstrip().rpartition("\n")[::2]
    exit_code, modules = json.loads(last)
    return exit_code or 0, printed + done.stderr, set(modules)


@pytest.mark.parametrize("command", ["describe", "onsets"])
def test_looking_at_a_clip_does_not_import_the_sound_model(command: str, checkpoint: Path, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", contact_times_s=(0.5,))
    code, printed, modules = imported_by([command, str(clip), "--model", str(checkpoint)], tmp_path / "cache")
    assert code == 0 and ("events" if command == "describe" else "onsets_s") in printed
    assert "torch" in modules
    assert not SOUND_MODEL & modules


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "usage"),
        (["dub", "--help"], 0, "usage"),
        (["describe", "missing.mp4"], 2, "missing.mp4"),
        (["onsets", "missing.mp4"], 2, "missing.mp4"),
        (["dub", "missing.mp4"], 2, "missing.mp4"),
        (["dub", "missing.mp4", "--model", "nothing"], 2, "no model"),
        (["describe", "README.md"], 2, "README.md"),
    ],
)
def test_help_and_errors_import_no_network(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    found, printed, modules = imported_by(arguments, tmp_path / "cache")
    assert found == code and said in printed
    assert not NETWORKS & modules
