"""How right a describer is: judged on things whose answer is known, on pictures inside packages."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from rhythmic_foley.describe import unknown
from rhythmic_foley.describe.base import Describer
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.describing import judge, table
from rhythmic_foley.training.describer import pictures
from rhythmic_foley.training.describer.labelled import Labelled, labelled_package_pictures
from rhythmic_foley.training.describer.pictures import LabelledPicture, labelled_pictures, read_picture
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


SIX = [(name, 0.1) for name in ("a", "b", "c", "d", "e", "storm")]


@pytest.mark.parametrize(
    ("sounds", "guesses", "first", "among_five", "said", "right"),
    [
        (("dog",), [("dog barking", 0.9), ("rain", 0.1)], True, True, True, True),
        (("dog",), [("dog barking", 0.4), ("rain", 0.1)], True, True, False, False),
        (("rain",), [("dog barking", 0.9), ("rain", 0.1)], False, True, True, False),
        (("wind", "storm"), SIX, False, False, False, False),
        ((), [("dog barking", 0.9)], False, False, True, False),
        (("rain",), [("person talking", 0.9), ("rain", 0.1)], True, True, False, False),
    ],
)
def test_verdicts(sounds, guesses, first, among_five, said, right) -> None:
    verdict = judge(Guessing(*guesses), thing(*sounds))
    assert (verdict.first, verdict.among_five, bool(verdict.said), verdict.right) == (first, among_five, said, right)
    assert len(verdict.guesses) <= 5 and "person talking" not in verdict.guesses


def test_a_word_must_begin_where_the_right_one_does() -> None:
    assert thing("cat meow").allows("Cat meowing") and not thing("hen").allows("kitchen")


def test_the_table_counts_every_source_once() -> None:
    """Two clips of one source that fail weigh as much as one of another that does not."""
    right, wrong = Guessing(("dog barking", 0.9)), Guessing(("rain", 0.9))
    some = [
        judge(right, Labelled("one", ("dog",), lambda: iter(()), 1.0, "a", group="set")),
        judge(wrong, Labelled("two", ("dog",), lambda: iter(()), 1.0, "b", group="set")),
        judge(wrong, Labelled("three", ("dog",), lambda: iter(()), 1.0, "b", group="set")),
        judge(wrong, Labelled("four", (), lambda: iter(()), 1.0, "c", group="set")),
    ]
    half, all_of_them = "0.50 [0.00, 1.00]", "1.00 [1.00, 1.00]"
    assert table(some).splitlines()[2:] == [
        f"| set | 3 | 2 | {half} | {half} | {all_of_them} | {half} |",
        f"| set, nothing to tell | 1 | 1 |  |  | {all_of_them} |  |",
    ]


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
        list(labelled_package_pictures(tmp_path))


def test_labels_are_complete() -> None:
    labelled = labelled_pictures()
    assert len({(one.package, one.file) for one in labelled}) == len(labelled) > 200
    assert 0.4 < sum(bool(one.sounds) for one in labelled) / len(labelled) < 0.6
    assert pictures.labelled_pictures()[0].sounds == ("camel",)
