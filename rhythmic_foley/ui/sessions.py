"""Where a visitor's files lie: in a folder that only that visitor's page knows, and finds again after a reload."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.studio.studio import Analysis, Take
from rhythmic_foley.studio.takes import read_take
from rhythmic_foley.ui.visitor_space import VisitorSpace
from rhythmic_foley.values.curve import Curve
from rhythmic_foley.values.events import Suggestion, events_from_json, events_to_json
from rhythmic_foley.values.onsets import Onsets

_NOTE = "visit.json"


@dataclass(frozen=True)
class Recalled:
    """What a reloaded page gets back.

    Attributes:
        found: fields of the clip's analysis, as they were; None if it was not looked at.
    """

    clip: str
    found: dict[str, Any] | None
    takes: tuple[Take, ...]

    def onto(self, analysis: Analysis) -> Analysis:
        """A look at the clip with what was found then: a describer is never asked again for a reload."""
        return replace(analysis, **(self.found or {}))


class Visits:
    """Folders of visitors below one root.

    Args:
        root: a folder that the server may serve files from. The names below it are secrets.
        space: what bounds and cleans the root, and whatever else visitors fill; by default the root alone.
    """

    def __init__(self, root: Path, space: VisitorSpace | None = None) -> None:
        self.root = root
        self.space = space or VisitorSpace([root])

    def new(self) -> str:
        """The key of a new visitor.

        Raises:
            FoleyError: if there is no room for more visitors.
        """
        self.space.check_room()
        key = uuid.uuid4().hex
        (self.root / key).mkdir(parents=True)
        return key

    def knows(self, key: str | None) -> bool:
        """Whether the key was given out and its folder is still there."""
        return self._known(key) is not None

    def folder(self, key: str) -> Path:
        """The visitor's folder, kept from growing old, for something that will be written there.

        Raises:
            FoleyError: if there is none, as after the time that files are kept, or no room for more.
        """
        folder = self._known(key)
        if folder is None:
            raise FoleyError("This page is too old; its files are gone. Please reload it.")
        os.utime(folder)
        self.space.check_room()
        return folder

    def remember(
        self, key: str, clip: str, takes: Sequence[Take], *, analysed: Analysis | Literal[False] | None = None
    ) -> None:
        """Note what the page shows, for after a reload.

        Args:
            analysed: what was found in the clip, False for nothing; None for as it was noted before.
        """
        folder = self._known(key)
        if folder is None:
            return
        found = self._note(folder).get("found") if analysed is None else _found(analysed)
        note = {"clip": clip, "found": found, "takes": [str(take.folder) for take in takes]}
        part = folder / f"{_NOTE}.{uuid.uuid4().hex}"
        part.write_text(json.dumps(note), encoding="utf-8")
        os.replace(part, folder / _NOTE)

    def recall(self, key: str) -> Recalled | None:
        """What the page showed before it was reloaded; None if nothing is left of it."""
        folder = self._known(key)
        note = self._note(folder) if folder else {}
        if not note or not Path(note["clip"]).is_file():
            return None
        takes = []
        for name in note["takes"]:
            with suppress(FoleyError):
                takes.append(read_take(Path(name)))
        return Recalled(note["clip"], _read_found(note["found"]), tuple(takes))

    def _note(self, folder: Path) -> dict:
        try:
            return json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _known(self, key: str | None) -> Path | None:
        """A key comes from the browser: anything but a name that was given out is nobody."""
        if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{32}", key):
            return None
        folder = self.root / key
        return folder if folder.is_dir() else None


def _found(analysis: Analysis | Literal[False]) -> dict[str, Any] | None:
    if not analysis:
        return None
    return {
        "events": events_to_json(analysis.events),
        "onsets": [analysis.onsets.times_s, analysis.onsets.strengths],
        "curve": [analysis.curve.times_s.tolist(), analysis.curve.values.tolist()],
        "describer": analysis.describer,
        "suggestions": [asdict(suggestion) for suggestion in analysis.suggestions],
        "notes": analysis.notes,
    }


def _read_found(noted: dict[str, Any] | None) -> dict[str, Any] | None:
    if noted is None:
        return None
    return {
        "events": events_from_json(noted["events"]),
        "onsets": Onsets.of(*noted["onsets"]),
        "curve": Curve(*map(np.asarray, noted["curve"])),
        "describer": noted["describer"],
        "suggestions": tuple(Suggestion(**one) for one in noted.get("suggestions", ())),
        "notes": tuple(noted["notes"]),
    }
