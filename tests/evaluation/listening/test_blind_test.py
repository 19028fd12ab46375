"""The listening test without its page: stimuli, order, codes, what may be rated, what is written."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip

from rhythmic_foley.audio.loudness import loudness_lufs
from rhythmic_foley.audio.wav import read_wav, write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.listening import blind_test as listening
from rhythmic_foley.evaluation.listening.blind_test import (
    ANCHOR,
    ASPECTS,
    REFERENCE,
    ListeningTest,
    Stimulus,
    anchor,
    prepare,
)

GOOD = {"quality": 4, "semantic": 5, "timing": 3}


def tone(hz: float, seconds: float, level: float, rate_hz: int = 16_000) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips, one of them silent, by two methods."""
    folder = tmp_path_factory.mktemp("listening")
    (folder / "clips").mkdir()
    for name, clicks in (("dog", (0.3, 0.7)), ("car", ())):
        make_clip(folder / "clips" / f"{name}.mp4", 1.0, 25, (64, 48), click_times_s=clicks)
        write_wav(folder / "methods" / "ours" / f"{name}.wav", tone(440, 1.0, 0.5), 16_000)
        write_wav(folder / "methods" / "theirs" / f"{name}.wav", tone(600, 0.8, 0.02, 22_050), 22_050)
    return folder


def plain(count: int, clips: int) -> list[Stimulus]:
    nowhere = Path("nowhere")
    return [Stimulus(f"clip{i % clips}", f"m{i // clips}", nowhere, nowhere, 2.0) for i in range(count)]


def test_stimuli_are_one_loudness_rate_and_length_under_blank_names(folder, tmp_path):
    stimuli = prepare(folder, tmp_path)
    assert {(one.clip, one.method) for one in stimuli} == {
        *((clip, method) for clip in ("dog", "car") for method in ("ours", "theirs")),
        ("dog", REFERENCE),
        ("dog", ANCHOR),
    }
    loudness = []
    for one in stimuli:
        wave, rate_hz = read_wav(one.sound)
        assert rate_hz == 48_000 and len(wave) == 48_000
        assert not any(word in one.sound.name for word in ("ours", "theirs", "dog", "car"))
        loudness.append(loudness_lufs(wave, rate_hz))
    assert max(loudness) - min(loudness) < 0.3


def test_without_any_own_sound_there_is_no_check(folder, tmp_path):
    only = tmp_path / "test"
    for name in ("clips", "methods/ours"):
        (only / name).mkdir(parents=True)
    (only / "clips" / "car.mp4").symlink_to(folder / "clips" / "car.mp4")
    (only / "methods" / "ours" / "car.wav").symlink_to(folder / "methods" / "ours" / "car.wav")
    said: list[str] = []
    assert {one.method for one in prepare(only, tmp_path / "ready", said.append)} == {"ours"}
    assert "nobody can be dropped" in said[0]


def test_folders_that_are_no_test_are_refused(folder, tmp_path):
    with pytest.raises(FoleyError, match="no folder"):
        prepare(tmp_path, tmp_path / "ready")
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "dog.mp4").symlink_to(folder / "clips" / "dog.mp4")
    with pytest.raises(FoleyError, match="no folder of a method"):
        prepare(tmp_path, tmp_path / "ready")
    write_wav(tmp_path / "methods" / "ours" / "cat.wav", tone(440, 1.0, 0.5), 16_000)
    with pytest.raises(FoleyError, match="ours has no sound of dog"):
        prepare(tmp_path, tmp_path / "ready")


def test_anchor_is_dull_and_of_the_asked_length():
    rate_hz = 16_000
    wave, _ = anchor(tone(440, 1.0, 0.5) + tone(3000, 1.0, 0.5), rate_hz, 1.5)
    assert wave.shape == (24_000,)
    spectrum = np.abs(np.fft.rfft(wave))
    hz = np.fft.rfftfreq(len(wave), 1 / rate_hz)
    assert spectrum[hz > 1100].max() < 1e-3 * spectrum.max()


def test_each_listener_has_an_order_that_stays(tmp_path):
    test = ListeningTest(tmp_path, plain(24, 6))
    first, second = test.order("ABCD-2345"), test.order("ABCD-2346")
    assert first == test.order("ABCD-2345") != second
    assert sorted(first, key=str) == sorted(test.stimuli, key=str)
    for order in (first, second):
        assert all(a.clip != b.clip for a, b in zip(order, order[1:], strict=False))
    starts = {(test.order(f"{i}")[0].clip, test.order(f"{i}")[0].method) for i in range(200)}
    assert len(starts) == 24, "each stimulus comes first for somebody"


def test_ratings_are_written_and_a_listener_goes_on_where_they_stopped(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(listening.time, "monotonic", lambda: clock[0])
    test = ListeningTest(tmp_path, plain(4, 2), minimum_listens=2)
    code = test.begin()
    trial = test.next(code)
    assert (trial.number, trial.total) == (1, 4)

    with pytest.raises(FoleyError, match="at least 2 times"):
        clock[0] += 60
        test.rate(code, 1, GOOD, listens=1)
    with pytest.raises(FoleyError, match="Rate all of Sound quality"):
        test.rate(code, 1, {"quality": 4, "semantic": 6, "timing": 3}, listens=2)
    test.rate(code, 1, GOOD, listens=2)
    test.rate(code, 1, GOOD, listens=2)  # a second click
    clock[0] += 1
    assert test.next(code).number == 2
    with pytest.raises(FoleyError, match="at least 2 times"):
        test.rate(code, 2, GOOD, listens=2)  # two sounds of 2 s were not heard within no time

    again = ListeningTest(tmp_path, plain(4, 2), minimum_listens=2)
    assert again.resume(f" {code.lower()} ") == code
    for number in (2, 3, 4):
        assert again.next(code).number == number
        clock[0] += 10
        again.rate(code, number, GOOD, listens=3)
    assert again.next(code) is None
    rows = list(csv.DictReader((tmp_path / "answers" / f"{code}.csv").open()))
    assert [(row["clip"], row["method"]) for row in rows] == [(s.clip, s.method) for s in test.order(code)]
    assert rows[1] | {"time": ""} == {
        "time": "",
        "clip": rows[1]["clip"],
        "method": rows[1]["method"],
        "quality": "4",
        "semantic": "5",
        "timing": "3",
        "listens": "3",
        "seconds": "10.0",
    }
    assert {aspect.key for aspect in ASPECTS} == set(GOOD)


@pytest.mark.parametrize("code", ["", "ABCD-2345", "../../etc", "ABCD2345"])
def test_unknown_codes_are_refused(tmp_path, code):
    test = ListeningTest(tmp_path, plain(2, 2))
    test.begin()
    with pytest.raises(FoleyError, match="Nobody has this code"):
        test.resume(code)


def test_codes_are_told_apart(tmp_path):
    test = ListeningTest(tmp_path, plain(2, 2))
    start = time.perf_counter()
    assert len({test.begin() for _ in range(50)}) == 50
    assert time.perf_counter() - start < 5
