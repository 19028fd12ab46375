from __future__ import annotations

from pathlib import Path

import pytest

from rhythmic_foley.library.naming import names_of, plain_words

ROOT = Path("/sounds/My Doors")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("Kitchen/WoodenDoor_Slam-03.wav", ("wooden door slam", "kitchen wooden door slam")),
        ("metal gate.flac", ("metal gate", "doors metal gate")),
        ("ZOOM0012.wav", ("doors",)),
        ("rain/REC_001.mp3", ("rain",)),
        ("123/456.wav", ()),
    ],
)
def test_names_come_from_file_and_folder(path: str, names: tuple[str, ...]):
    assert names_of(ROOT / path, ROOT) == names


def test_words_of_other_scripts_are_kept():
    assert plain_words("Türschlag_01") == "türschlag"
