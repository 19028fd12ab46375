"""What the README says is true: its commands and its Python run, its links lead somewhere, the Space can start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import RepoCard
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SETUP = {"scripts/run", "scripts/test"}


def blocks(language: str) -> list[str]:
    """The fenced blocks in `language`, without those that set up or test the whole project."""
    return [text for name, text in BLOCKS if name == language and text.strip() not in SETUP]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a checkout that is set up: `scripts/run` there runs the command with this Python."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "examples").symlink_to(ROOT / "examples")
    run = folder / "scripts" / "run"
    run.parent.mkdir()
    run.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rhythmic_foley "$@"\n')
    run.chmod(0o755)
    return folder


def run_in(workspace: Path, *command: str) -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        "RHYTHMIC_FOLEY_CACHE": str(workspace / "cache"),
    }
    return subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True)


def test_there_is_something_to_run():
    assert SETUP <= {text.strip() for _, text in BLOCKS}
    assert blocks("sh") and blocks("python")
    for script in SETUP:
        assert os.access(ROOT / script, os.X_OK)


@pytest.mark.timeout(900)  # seconds on an idle machine; eight takes of the real model on a busy one
@pytest.mark.parametrize("commands", blocks("sh"))
def test_commands_run(commands: str, workspace: Path):
    done = run_in(workspace, "sh", "-eu", "-c", commands)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert list((workspace / "dubs").rglob("*.mp4"))


# What talks to a running app is tried in tests/browser/test_app.py.
@pytest.mark.parametrize("snippet", [text for text in blocks("python") if "gradio_client" not in text])
def test_python_runs(snippet: str, workspace: Path):
    done = run_in(workspace, sys.executable, "-c", snippet)
    assert done.returncode == 0, done.stderr
    assert ".mp4" in done.stdout


def test_links_within_the_project_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links and missing == []


def test_the_space_gets_what_the_requirements_ask_for():
    card = RepoCard(README).data.to_dict()
    wanted = {Requirement(line).name: Requirement(line).specifier for line in requirements()}
    assert card["sdk_version"] in wanted["gradio"]
    assert (ROOT / card["app_file"]).is_file()
    assert len(card["short_description"]) <= 60


def requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
