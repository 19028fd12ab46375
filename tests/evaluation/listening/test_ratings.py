"""Results of a listening test from made answers whose means, ranks and careless listeners are known."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.commands.listening import add_listening_command
from rhythmic_foley.evaluation.listening.blind_test import ANCHOR, FIELDS, REFERENCE
from rhythmic_foley.evaluation.listening.ratings import Answer, careless, find, read_answers

CLIPS = ("dog", "car", "drum", "bag")
USUAL = {REFERENCE: 5, "ours": 4, "theirs": 2, ANCHOR: 1}


def answers_of(listener: str, ratings: dict[str, int] = USUAL, clips: tuple[str, ...] = CLIPS) -> list[Answer]:
    return [
        Answer(listener, clip, method, dict.fromkeys(("quality", "semantic", "timing"), rating))
        for clip in clips
        for method, rating in ratings.items()
    ]


def test_means_ranks_and_intervals():
    answers = answers_of("A") + answers_of("B", USUAL | {"ours": 3}) + answers_of("C", USUAL | {"theirs": 4})
    found = find(answers)
    by_name = {row.method: row for row in found.methods}
    assert list(by_name) == ["ours", "theirs", REFERENCE, ANCHOR]
    assert by_name["ours"].ratings["timing"].value == pytest.approx((4 + 3 + 4) / 3)
    # Ranks of two methods: 2 and 1 for A and B, shared for C.
    assert by_name["ours"].ranks["quality"].value == pytest.approx((2 + 2 + 1.5) / 3)
    assert by_name["theirs"].ranks["quality"].value == pytest.approx((1 + 1 + 1.5) / 3)
    estimate = by_name["ours"].ratings["quality"]
    assert estimate.samples == 12
    assert 3 <= estimate.low < estimate.value < estimate.high <= 4, "drawn by listener: from all B to no B"
    assert by_name[REFERENCE].ranks == {} and by_name[ANCHOR].ratings["quality"].value == 1
    assert found.listeners == ("A", "B", "C") and found.dropped == {} and found.clips == 4


def test_ranks_of_independent_methods_average_to_the_middle():
    random = np.random.default_rng(0)
    answers = []
    for listener in "ABCDEF":
        for clip in CLIPS:
            ratings = {f"m{i}": int(random.integers(1, 6)) for i in range(5)}
            answers += answers_of(listener, ratings, (clip,))
    found = find(answers, resamples=0)
    assert np.mean([row.ranks["timing"].value for row in found.methods]) == pytest.approx(3.0)
    assert found.methods[0].ranks["timing"].low is None


def test_who_cannot_tell_reference_from_anchor_does_not_count():
    same = dict.fromkeys(USUAL, 3)
    half = answers_of("half", USUAL, CLIPS[:2]) + answers_of("half", same, CLIPS[2:])
    once = answers_of("once", USUAL, CLIPS[:3]) + answers_of("once", same, CLIPS[3:])
    early = answers_of("early", USUAL, CLIPS[:1])
    dropped = careless(answers_of("good") + answers_of("blind", same) + half + once + early)
    assert dropped == {
        "blind": "Found the anchor as good as the reference in 4 of 4 clips.",
        "half": "Found the anchor as good as the reference in 2 of 4 clips.",
        "early": "Rated 4 of 16, less than half.",
    }
    found = find(answers_of("good") + answers_of("blind", same))
    assert found.listeners == ("good",) and list(found.dropped) == ["blind"]
    assert {row.method: row.ratings["quality"].value for row in found.methods} == USUAL


def test_without_checks_nobody_is_dropped():
    assert careless(answers_of("A", {"ours": 3, "theirs": 3})) == {}


def test_table_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "answers").mkdir()
    for listener in ("AAAA-2222", "BBBB-3333"):
        with open(tmp_path / "answers" / f"{listener}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(FIELDS)
            for one in answers_of(listener):
                writer.writerow(["now", one.clip, one.method, *one.ratings.values(), 1, 5.0])
    assert len(read_answers(tmp_path)) == 32
    parser = argparse.ArgumentParser()
    add_listening_command(parser.add_subparsers())
    arguments = parser.parse_args(["listening", str(tmp_path), "--out", str(tmp_path / "out")])
    assert arguments.run(arguments) == 0
    table = capsys.readouterr().out
    assert "| ours | 4.00 [4.00, 4.00] |" in table and "2 listeners, 4 clips" in table
    assert (tmp_path / "out" / "listening.md").read_text() == table
    rows = list(csv.DictReader((tmp_path / "out" / "listening.csv").open()))
    assert {(row["method"], row["measure"]) for row in rows} >= {("ours", "AUR"), (REFERENCE, "rating")}
    assert json.loads((tmp_path / "out" / "listening.json").read_text())["listeners"] == ["AAAA-2222", "BBBB-3333"]


def test_no_answers_and_foreign_files_are_said(tmp_path: Path):
    with pytest.raises(FoleyError, match="Nobody has rated"):
        read_answers(tmp_path)
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "x.csv").write_text("clip,method\ndog,ours\n")
    with pytest.raises(FoleyError, match="x.csv is not a file of answers"):
        read_answers(tmp_path)
