"""How right a describer is: judged on things whose answer is known, on pictures inside packages."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rhythmic_foley.describe import unknown
from rhythmic_foley.describe.base import Describer
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments import describing, pictures
from rhythmic_foley.evaluation.experiments.describing import Labelled, Verdict, cross_validated, judge, table
from rhythmic_foley.evaluation.experiments.pictures import LabelledPicture, labelled_pictures, read_picture
from rhythmic_foley.values.events import SoundEvent


class Guessing(Describer):
    """Says the first of its guesses when it is sure enough."""

    name = "guessing"

    def __init__(self, *guesses: tuple[str, float]) -> None:
        self._guesses = list(guesses)

    def rank(self, frames, duration_s):
        label, confidence = self._guesses[0]
        event = SoundEvent(label, confidence=confidence) if confidence > 0.5 else unknown(confidence)
        return (event,), self._guesses


def thing(*sounds: str) -> Labelled:
    return Labelled("thing", sounds, lambda: iter(()), 1.0)


@pytest.mark.parametrize(
    ("sounds", "guesses", "first", "among_three", "answer"),
    [
        (("dog",), [("dog barking", 0.9), ("rain", 0.1)], True, True, "right"),
        (("dog",), [("dog barking", 0.4), ("rain", 0.1)], True, True, "unknown"),
        (("rain",), [("dog barking", 0.9), ("rain", 0.1)], False, True, "wrong"),
        (("wind", "storm"), [("a", 0.4), ("b", 0.1), ("c", 0.1), ("storm", 0.1)], False, False, "unknown"),
        ((), [("dog barking", 0.9)], False, False, "wrong"),
        ((), [("dog barking", 0.2)], False, False, "unknown"),
        ((), [("person talking", 0.9), ("dog barking", 0.1)], False, False, "unknown"),
    ],
)
def test_verdicts(sounds, guesses, first, among_three, answer) -> None:
    verdict = judge(Guessing(*guesses), thing(*sounds))
    assert (verdict.first, verdict.among_three, verdict.answer) == (first, among_three, answer)


def test_a_word_must_begin_where_the_right_one_does() -> None:
    assert thing("cat meow").allows("Cat meowing") and not thing("hen").allows("kitchen")


def verdicts(n: int = 50) -> list[Verdict]:
    """Right above a confidence of 0.6, wrong below."""
    sure = np.linspace(0.0, 1.0, n)
    return [Verdict(str(s), True, ("x",), s > 0.6, s > 0.6, float(s), "unknown", ()) for s in sure]


def test_the_threshold_parts_right_from_wrong() -> None:
    thresholds, shares = cross_validated(verdicts(), cost=2.0)
    assert all(0.6 < threshold < 0.7 for threshold in thresholds)
    assert shares["wrong"] == 0.0 and shares["right"] > 0.35


def test_the_table_counts_what_sounds_apart_from_what_does_not() -> None:
    some = [judge(Guessing(("dog barking", 0.9)), thing(*sounds)) for sounds in (("dog",), ("cat",), ())]
    lines = table({"set": some}).splitlines()
    assert lines[2:] == ["| set, sounding | 2 | 1 | 1 | 1 | 0 | 1 |", "| set, nothing to tell | 1 |  |  | 0 | 0 | 1 |"]


def png(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", size, (255, 0, 0, 0)).save(buffer, format="PNG")
    return buffer.getvalue()


def bundle(name: str, content: bytes) -> bytes:
    """A Qt resource bundle with one compressed file in one folder."""
    packed = struct.pack(">I", len(content)) + zlib.compress(content)
    contents = struct.pack(">I", len(packed)) + packed
    names, offsets = b"", []
    for text in ("folder", name):
        offsets.append(len(names))
        names += struct.pack(">HI", len(text), 0) + text.encode("utf-16-be")
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHII", offsets[0], 2, 1, 2)
    tree += struct.pack(">IHHHI", offsets[1], 1, 0, 0, 0)
    head = 20
    return (
        b"qres"
        + struct.pack(">IIII", 1, head, head + len(tree), head + len(tree) + len(contents))
        + tree
        + contents
        + names
    )


def test_pictures_are_read_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "plain.png").write_bytes(png((960, 10)))
    (tmp_path / "toys" / "all.rcc").write_bytes(bundle("inside.png", png((8, 4))))
    plain = read_picture(tmp_path, LabelledPicture("toys", "plain.png", ()))
    assert plain.shape == (5, 480, 3) and (plain == 255).all(), "clear parts are white, long pictures smaller"
    assert read_picture(tmp_path, LabelledPicture("toys", "all.rcc/folder/inside.png", ())).shape == (4, 8, 3)
    assert read_picture(tmp_path, LabelledPicture("toys", "all.rcc/folder/none.png", ())) is None
    assert read_picture(tmp_path, LabelledPicture("toys", "none.png", ())) is None
    with pytest.raises(FoleyError, match="None of the packages"):
        list(describing.pictures(tmp_path))


def test_labels_are_complete() -> None:
    labelled = labelled_pictures()
    assert len({(one.package, one.file) for one in labelled}) == len(labelled) > 200
    assert 0.4 < sum(bool(one.sounds) for one in labelled) / len(labelled) < 0.6
    assert pictures.labelled_pictures()[0].sounds == ("camel",)
