"""Which describers there are, and which one a name means."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.describe.base import Describer
from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    from rhythmic_foley.describe.prompts import Prompts
    from rhythmic_foley.describe.talking import Way

EMBEDDED = "embedded"
MINI_GEMINI = "mini-gemini"


@dataclass(frozen=True)
class Asking:
    """How a model that talks is asked.

    Attributes:
        way: "frames" one by one, or a "sheet" of four at once, which is faster; None for frames on a GPU and the sheet
            on a CPU.
        prompts: one's own questions.
    """

    way: Way | None = None
    prompts: Prompts | None = None

    @classmethod
    def read(cls, way: Way | None, questions: Path | None) -> Asking:
        """With the questions of a file, see `Prompts.load`.

        Raises:
            FoleyError: if it holds none.
        """
        from rhythmic_foley.describe.prompts import Prompts

        return cls(way, None if questions is None else Prompts.load(questions))


class Describers:
    """Who can be asked what sounds in a clip. Each is opened when it is first asked, and loads nothing before.

    Args:
        usual: who is asked unless another one is chosen: a describer, or a name as `open_describer` takes it.
        embedded: makes the embedded describer, which also speaks where another one says nothing of use.
        roots: folders in which folders with a published Mini-Gemini are looked for.
        asking: how those that talk are asked.
    """

    def __init__(
        self,
        usual: Describer | str,
        embedded: Callable[[], Describer],
        roots: Sequence[Path] = (),
        asking: Asking | None = None,
    ) -> None:
        self._usual = usual
        self._make_embedded = embedded
        self._roots = tuple(roots)
        self._asking = asking or Asking()
        self._open: dict[str, Describer] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody who can be chosen, the usual one first."""
        return tuple(dict.fromkeys((self._usual_name, EMBEDDED, *self._found)))

    def __getitem__(self, name: str | None) -> Describer:
        """The describer of a name among `names`; the usual one for None.

        Raises:
            FoleyError: if there is none, or it cannot be opened.
        """
        name = name or self._usual_name
        if name not in self.names:
            raise FoleyError(f'There is no describer "{name}"; choose {" or ".join(self.names)}.')
        if name not in self._open:
            self._open[name] = self._opened(name)
        return self._open[name]

    @cached_property
    def embedded(self) -> Describer:
        return self._make_embedded()

    @property
    def _usual_name(self) -> str:
        if self._usual == MINI_GEMINI:
            return next(iter(self._found), MINI_GEMINI)
        return self._usual if isinstance(self._usual, str) else self._usual.name

    @property
    def _found(self) -> dict[str, Path]:
        """Every Mini-Gemini that is here, by the name of its folder."""
        folders = [path.parent for root in self._roots for path in sorted(root.glob("*/config.json"))]
        return {f"{MINI_GEMINI} ({folder.name})": folder for folder in folders if is_published(folder)}

    def _opened(self, name: str) -> Describer:
        if name == self._usual_name and not isinstance(self._usual, str):
            return self._usual
        if name == MINI_GEMINI:
            raise FoleyError("Mini-Gemini is not here yet: `rhythmic-foley download mini-gemini` fetches it.")
        return open_describer(str(self._found.get(name, name)), self.embedded, self._asking)


def open_describer(name: str, fallback: Describer, asking: Asking | None = None) -> Describer:
    """The describer that a person names; nothing is loaded before its first clip.

    Args:
        name: "embedded" for `fallback` itself; a folder with a published Mini-Gemini; or a folder or hub name of any
            image-text-to-text model of transformers.
        fallback: speaks where the named one says nothing of use.
        asking: how it is asked, if it talks.

    Raises:
        FoleyError: if a folder holds no model that can be read.
    """
    if name == EMBEDDED:
        return fallback
    # The libraries of large describers take seconds to import: only who names one waits for them.
    from transformers.utils import logging

    from rhythmic_foley.describe.image_text_to_text import ImageTextToTextDescriber
    from rhythmic_foley.describe.mini_gemini import MiniGeminiDescriber

    logging.disable_progress_bar()  # one at a time: ours
    asking = asking or Asking()
    kind = MiniGeminiDescriber if is_published(name) else ImageTextToTextDescriber
    return kind.from_pretrained(name, fallback=fallback, way=asking.way, prompts=asking.prompts)


def is_published(folder: str | Path) -> bool:
    """True where a folder holds a Mini-Gemini as its authors publish it: a flat config.json without model_type."""
    try:
        flat = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(flat, dict) and "model_type" not in flat and "mm_projector_type" in flat
