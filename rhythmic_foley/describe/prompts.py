"""What is asked of a model that looks at pictures, and the pictures it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from rhythmic_foley.errors import FoleyError

SHEET_PANELS = 4
SHEET_SIZE = 768


@dataclass(frozen=True)
class Prompts:
    """The questions; {t} is the frame's time and {T} the clip's length, both in seconds.

    Attributes:
        frame: asked of every frame by itself.
        sheet: asked of a contact sheet.
        sentence: asked when neither brought a list.
    """

    frame: str = (
        "This is one frame of a silent video, taken at {t} of {T} seconds. Imagine the soundtrack of this moment. "
        "List the sounds that what you see would make, in the order in which they would be heard, at most four. "
        "Write one per line as: number. sound: how it sounds, what makes it and where. "
        "Do not mention anything that makes no sound."
    )
    sheet: str = (
        "These numbered panels are frames of one short silent video of {T} seconds in time order. List the sound "
        "events a listener would hear from beginning to end, at most eight. Write one per line as: number. sound: "
        "what makes it, material, loudness and surroundings. Finish with one line for the background sound of the "
        "place."
    )
    sentence: str = "Describe in one sentence what happens in this picture and where."

    def of_frame(self, time_s: float, duration_s: float) -> str:
        """The question about the frame at a time."""
        return self.frame.replace("{t}", f"{time_s:.1f}").replace("{T}", f"{duration_s:.1f}")

    def of_sheet(self, duration_s: float) -> str:
        """The question about a contact sheet."""
        return self.sheet.replace("{T}", f"{duration_s:.1f}")

    @classmethod
    def load(cls, path: str | Path) -> Prompts:
        """Read one's own questions from a JSON object; what it does not name stays as it is.

        Raises:
            FoleyError: where the file is no such object.
        """
        names = {field.name for field in fields(cls)}
        try:
            own = json.loads(Path(path).read_text(encoding="utf-8"))
            if not all(name in names and isinstance(own[name], str) and own[name].strip() for name in own):
                raise ValueError
            return cls(**own)
        except (OSError, ValueError, TypeError):
            raise FoleyError(f"{path} must be a JSON object of questions under {', '.join(sorted(names))}.") from None


def nearest_frames(
    frames: Iterable[tuple[float, np.ndarray]], duration_s: float, n_parts: int
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Of every equal part of a clip the frame nearest its middle: (part, time in seconds, frame), read as a stream."""
    part_s = max(duration_s, 1e-3) / n_parts
    best: tuple[int, float, np.ndarray] | None = None
    for time_s, frame in frames:
        part = min(int(time_s / part_s), n_parts - 1)
        if best is not None and part != best[0]:
            yield best
            best = None
        middle_s = (part + 0.5) * part_s
        if best is None or abs(time_s - middle_s) < abs(best[1] - middle_s):
            best = (part, time_s, frame)
    if best is not None:
        yield best


def contact_sheet(frames: Sequence[np.ndarray], size: int = SHEET_SIZE) -> np.ndarray:
    """Tile up to four frames, row by row, each with its number in the corner: uint8 (size, size, 3)."""
    n_side = 1 if len(frames) == 1 else 2
    side = size // n_side
    sheet = Image.new("RGB", (size, size))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=max(side // 10, 10))
    for index, frame in enumerate(frames[: n_side * n_side]):
        picture = ImageOps.contain(Image.fromarray(np.ascontiguousarray(frame)), (side, side))
        left, top = index % n_side * side, index // n_side * side
        sheet.paste(picture, (left + (side - picture.width) // 2, top + (side - picture.height) // 2))
        box = draw.textbbox((left + 4, top + 4), str(index + 1), font=font)
        draw.rectangle((box[0] - 4, box[1] - 4, box[2] + 4, box[3] + 4), fill="black")
        draw.text((left + 4, top + 4), str(index + 1), font=font, fill="white")
    return np.asarray(sheet)
