"""The list of licences names every requirement, and no package without a licence."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_requirement_is_listed_with_its_licence() -> None:
    """After a change of the requirements: `.venv/bin/python scripts/licences > docs/licences.md`."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = {re.split(r"[<>=]", line)[0].lower().replace("_", "-") for line in lines if line and line[0] != "#"}
    rows = [line.split("|")[1:-1] for line in (ROOT / "docs/licences.md").read_text(encoding="utf-8").splitlines()]
    licences = {row[0].strip(): row[2].strip() for row in rows if len(row) == 4 and row[0].strip() != "package"}
    assert required <= licences.keys()
    assert all(licences.values()) and "not stated" not in licences.values()
