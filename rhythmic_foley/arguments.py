"""Command line arguments whose mistakes are told in one sentence, as those of everything else."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from rhythmic_foley.errors import FoleyError, quoted


class Parser(argparse.ArgumentParser):
    """argparse's parser, which raises a `FoleyError` where argparse prints its usage and ends the process."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take what argparse's parser takes; options of type `int` and `float` are read by the functions below."""
        super().__init__(*args, **options)
        self.register("type", int, whole_number)
        self.register("type", float, number)

    def error(self, message: str) -> NoReturn:
        """Raise argparse's message as a sentence."""
        sentence = message.removeprefix("argument ")
        raise FoleyError(f"{sentence[:1].upper()}{sentence[1:]}; see {self.prog} --help.")


def whole_number(text: str) -> int:
    """The value of an option that is counted."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"this must be a whole number, not {quoted(text)}") from None


def number(text: str) -> float:
    """The value of an option that is measured; a decimal comma is read as a point."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise argparse.ArgumentTypeError(f"this must be a number, not {quoted(text)}") from None


def with_odd_names(arguments: Sequence[str]) -> list[str]:
    """The arguments with files whose name begins with a dash told from options: -x.mp4 becomes ./-x.mp4."""
    return [f"./{one}" if one.startswith("-") and Path(one).suffix and is_file(one) else one for one in arguments]


def is_file(name: str) -> bool:
    """Whether a text is the path of a file; False for what cannot be a path at all."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False
