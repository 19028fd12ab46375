"""Where an exported video goes: checked before any work is done."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rhythmic_foley.errors import FoleyError


def prepare_mp4(out: Path, source: Path) -> None:
    """Make the folder of an MP4 that will be written.

    Args:
        source: the video that is read meanwhile.

    Raises:
        FoleyError: if the name does not end in .mp4, is that of the source, or nothing can be written there.
    """
    if out.suffix.lower() != ".mp4":
        raise FoleyError(f"The video is an MP4 file; give {out.name or out} a name that ends in .mp4.")
    try:
        if out.exists() and out.samefile(source):
            raise FoleyError(f"{out.name} is the video itself; choose another name.")
        if out.is_dir():
            raise FoleyError(f"{out.name} is a folder; choose another name.")
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".", suffix=out.name):
            pass
    except OSError as error:
        raise FoleyError(f"{out.name} cannot be written ({error.strerror or error}); choose another place.") from error
