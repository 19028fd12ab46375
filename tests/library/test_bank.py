from __future__ import annotations

import csv

import numpy as np
import pytest
from toy import CHECKPOINT

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.library.bank import FOLDER, TABLE, load_bank
from rhythmic_foley.library.choosing import choose_samples
from rhythmic_foley.library.shelf import SoundLibrary
from rhythmic_foley.library.words import WordEmbedder

FREE = {"CC0-1.0", "public domain", "MIT", "BSD-3-Clause"}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with open(FOLDER / TABLE, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def library() -> SoundLibrary:
    return SoundLibrary([], load_bank(), WordEmbedder(CHECKPOINT))


def test_the_table_names_every_file_with_its_terms(rows):
    assert 150 <= len(rows) <= 300
    assert {row["file"] for row in rows} == {path.name for path in FOLDER.glob("*.ogg")}
    assert {row["licence"] for row in rows} <= FREE | {"CC-BY-3.0"}
    for row in rows:
        assert row["author"] and row["package"] and row["path"] and row["words"]
        assert row["use"] in ("hit", "stretch")


def test_it_is_small_and_wide(rows):
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 15e6
    assert len({row["kind"] for row in rows}) > 100


def test_packages_kept_for_evaluation_are_not_in_it(rows):
    assert not {"gcompris-qt-data", "simutrans-pak64"} & {row["package"] for row in rows}


def test_the_index_is_of_these_files_and_words(rows, library):
    index = load_bank()
    assert [one.path for one in index.recordings] == [row["file"] for row in rows]
    assert [" / ".join(one.words) for one in index.recordings] == [row["words"] for row in rows]
    some = index.wordings[::40]
    np.testing.assert_allclose(index.vectors[::40].astype(np.float32), library.embed(some), atol=2e-3)
    for one in index.recordings[::25]:
        wave, rate_hz = read_wav(FOLDER / one.path)
        assert all(0 <= cut.attack_s < cut.end_s <= len(wave) / rate_hz + 0.011 for cut in one.cuts)


@pytest.mark.parametrize(
    ("label", "name", "use"),
    [
        ("dog barking", "dog", "hit"),
        ("rain falling", "rain", "stretch"),
        ("hammer striking metal", "metal", "hit"),
        ("wooden door slam", "door", "hit"),
        ("footsteps on gravel", "footsteps", "hit"),
    ],
)
def test_it_has_what_is_asked_for(library, label, name, use):
    found = choose_samples(library, label)
    assert name in found[0].sample.name and {one.sample.cut.use for one in found} == {use}


@pytest.mark.parametrize("label", ["violin note", "train passing", "person talking", "baby crying"])
def test_what_it_has_not_is_left_to_the_model(library, label):
    assert choose_samples(library, label) == ()
