"""The clips that come with the project, and the takes that were made of them beforehand.

A take lies in `examples/takes/CLIP/` without what can be made again at once: its sound is packed as FLAC, and its
video is put together from the clip and that sound when somebody looks at it.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import soundfile

from rhythmic_foley.media.reading import mux
from rhythmic_foley.studio.takes import read_take
from rhythmic_foley.values.results import Take

EXAMPLES = Path(__file__).parents[2] / "examples"
PACKED = ".flac"


def examples() -> list[Path]:
    """Clips that come with the project; none where only the package is installed."""
    return sorted(EXAMPLES.glob("*.mp4"))


def pack(take: Take, folder: Path) -> None:
    """Put a take away for `unpack`, as small as it gets without loss of what is heard and shown."""
    shutil.rmtree(folder, ignore_errors=True)
    keep = (take.mel, take.settings, take.onsets_csv, take.onsets_json)
    folder.mkdir(parents=True)
    for path in filter(None, keep):
        shutil.copyfile(path, folder / path.name)
    wave, rate_hz = soundfile.read(take.wav, dtype="int16")
    soundfile.write(folder / f"{take.wav.stem}{PACKED}", wave, rate_hz, subtype="PCM_16")


def unpack(example: Path, folder: Path) -> tuple[str, tuple[Take, ...]]:
    """A visitor's own copy of an example and of its takes.

    Args:
        folder: of the visitor.

    Returns:
        The clip and the takes, none if there are none.
    """
    place = folder / uuid.uuid4().hex[:8]
    place.mkdir()
    clip = Path(shutil.copyfile(example, place / example.name))
    takes = []
    for packed in sorted((example.parent / "takes").glob(f"{example.stem}*/*{PACKED}")):
        own = Path(shutil.copytree(packed.parent, place / packed.parent.name))
        wave, rate_hz = soundfile.read(own / packed.name, dtype="float32")
        soundfile.write(own / f"{packed.stem}.wav", wave, rate_hz, subtype="PCM_16")
        mux(clip, wave, rate_hz, own / f"{packed.stem}.mp4")
        (own / packed.name).unlink()
        takes.append(read_take(own))
    return str(clip), tuple(takes)
