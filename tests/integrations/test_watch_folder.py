"""A folder whose clips are dubbed as they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.integrations.watch_folder import new_clips


def test_a_clip_comes_once_it_has_stopped_growing(tmp_path: Path) -> None:
    inbox, out, looks = tmp_path / "in", tmp_path / "out", []
    inbox.mkdir()
    (inbox / "notes.txt").write_text("no clip")
    clip = inbox / "a.MP4"

    def rest(_: float) -> None:
        looks.append(1)
        if len(looks) < 4:  # still being copied
            with clip.open("ab") as file:
                file.write(b"more")
        if len(looks) > 20:
            raise KeyboardInterrupt

    watch = new_clips(inbox, out, rest=rest)
    assert next(watch) == clip and len(looks) == 4
    with pytest.raises(KeyboardInterrupt):
        next(watch)
    with pytest.raises(KeyboardInterrupt):  # started again: it was done
        next(new_clips(inbox, out, rest=rest))
    looks[:] = [1] * 10
    clip.write_bytes(b"another clip of that name")
    assert next(new_clips(inbox, out, rest=rest)) == clip


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="no folder"):
        next(new_clips(tmp_path / "none", tmp_path))
