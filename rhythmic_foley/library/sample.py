"""One usable piece of a recording, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HIT, STRETCH = "hit", "stretch"


@dataclass(frozen=True)
class Source:
    """Who made a recording and under which terms.

    Attributes:
        licence: SPDX name such as "CC0-1.0"; "" for a person's own recording.
        author: to be credited where the licence asks for it.
        package: in which the recording was published.
        path: its place inside that package.
    """

    licence: str = ""
    author: str = ""
    package: str = ""
    path: str = ""


@dataclass(frozen=True)
class Cut:
    """A hit or a stretch inside a recording, in seconds of the recording.

    Attributes:
        use: `HIT` for a single event, `STRETCH` for a sound that goes on and may be looped.
        start_s: where it is first heard.
        attack_s: where it hits; the beginning of the steady part of a stretch.
        end_s: where its tail has died away; the end of the steady part of a stretch.
        level_db: level of the loudest 20 ms, relative to full scale.
        rings: whether it only decays after its attack, so that it may ring on under the next hit.
    """

    use: str
    start_s: float
    attack_s: float
    end_s: float
    level_db: float
    rings: bool


@dataclass(frozen=True)
class Sample:
    """A cut of a recording with the words that name it.

    Attributes:
        path: the sound file.
        words: what it is called, by names of file and folder or by the bank's table.
        heard: what YAMNet hears in it, likeliest first.
    """

    path: Path
    cut: Cut
    words: tuple[str, ...]
    heard: tuple[str, ...] = ()
    source: Source = Source()

    @property
    def name(self) -> str:
        """What to call it in one phrase."""
        return (self.words + self.heard + (self.path.stem,))[0]


@dataclass(frozen=True)
class Found:
    """A sample and how near it is to the words that were looked for, up to 1."""

    sample: Sample
    similarity: float
