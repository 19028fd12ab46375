"""What the compare component shows, as a dictionary that Gradio sends to the page.

{"video": file or None, "duration_s": number, "onsets_s": [numbers], "blind": whether it starts blind,
 "tracks": [{"id": "0", "label": text, "audio": file, "mel": file, "gain_db": number}],
 "differences": {"0-1": file, "1-0": file}}

A file is a `gradio.FileData` dictionary, whose address Gradio fills in, or an address. `gain_db` brings a track to the
loudness that all tracks share; a difference "a-b" shows by how much a is louder than b.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradio.data_classes import FileData

from rhythmic_foley.export.comparison import compare


def compare_value(
    sounds: Sequence[tuple[str, str | Path]],
    folder: str | Path,
    *,
    video: str | Path | None = None,
    duration_s: float | None = None,
    onsets_s: Sequence[float] = (),
    blind: bool = False,
) -> dict[str, Any]:
    """The value that shows one to four sounds of a clip.

    Args:
        sounds: label and file, as `rhythmic_foley.export.comparison.compare` takes them.
        folder: gets sounds and pictures; must lie where Gradio may read, as must `video`.
        video: the clip, whose own sound is not heard; None for sounds alone.
        duration_s: of the clip; None is the longest sound.

    Raises:
        FoleyError: as for `compare`.
    """
    ready = compare(sounds, folder, duration_s)
    tracks = [
        {
            "id": str(i),
            "label": track.label,
            "audio": _file(track.wav),
            "mel": _file(track.mel),
            "gain_db": round(track.gain_db, 2),
        }
        for i, track in enumerate(ready.tracks)
    ]
    return {
        "video": None if video is None else _file(video),
        "duration_s": ready.duration_s,
        "onsets_s": [float(time_s) for time_s in onsets_s],
        "blind": blind,
        "tracks": tracks,
        "differences": {f"{a}-{b}": _file(path) for (a, b), path in ready.differences.items()},
    }


def _file(path: str | Path) -> dict[str, Any]:
    return FileData(path=str(path)).model_dump()
