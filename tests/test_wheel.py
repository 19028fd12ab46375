"""The wheel holds everything that a dub needs, away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_every_file_of_the_embedded_model_goes_into_the_wheel():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["data-files"]
    packed = {path for patterns in listed.values() for pattern in patterns for path in ROOT.glob(pattern)}
    shipped = {path for path in (ROOT / "checkpoints" / "mini").rglob("*") if path.is_file()}
    assert shipped <= packed
    for place, patterns in listed.items():
        assert all(f"share/rhythmic-foley/{Path(pattern).parent.as_posix()}" == place for pattern in patterns)


@pytest.mark.timeout(900)
def test_a_wheel_dubs_away_from_the_checkout(tmp_path: Path, clip: Path):
    """Installed below an empty prefix; only the packages that it needs come from this environment."""
    wheels, prefix = tmp_path / "wheels", tmp_path / "prefix"
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, _copy_of_the_checkout(tmp_path)]
    subprocess.run(build, check=True)
    (wheel,) = wheels.glob("*.whl")
    # Without --ignore-installed pip would remove the package from this environment first.
    subprocess.run(
        [*pip, "install", "--ignore-installed", "--no-deps", "--no-index", "--prefix", prefix, wheel], check=True
    )
    (packages,) = prefix.glob("**/site-packages")
    command = [sys.executable, "-m", "rhythmic_foley", "dub", clip, "--text", "wood", "--steps", "1", "--out", "takes"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(packages),
        "RHYTHMIC_FOLEY_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path, json.loads(done.stdout)["video"]).is_file()


def _copy_of_the_checkout(folder: Path) -> Path:
    """What a wheel is built from, so that building leaves nothing behind in the checkout."""
    copy = folder / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE", "rhythmic_foley", "checkpoints"):
        (copy / name).symlink_to(ROOT / name)
    return copy
