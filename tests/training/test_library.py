"""Reading captioned sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounds import LEAD_S, write_library

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.training.library import SoundLibrary, read_rows, sound_path, wide_paths


def test_held_out_packages_are_never_trained_on(tmp_path: Path) -> None:
    table = write_library(tmp_path)
    training, held_out = (SoundLibrary.from_csv(table, held_out=flag) for flag in (False, True))
    assert training.captions == ("glass breaking", "hammering wood", "rain falling")
    assert held_out.captions == ("door closing", "wind blowing")


def test_columns_say_where_a_sound_lies_and_which_side_it_is_on(tmp_path: Path) -> None:
    """`file` and `split` win over `sounds/ID.flac` and the packages' names."""
    (tmp_path / "web").mkdir()
    for name, rate_hz in (("web/a.ogg", 44_100), ("web/b.flac", 16_000)):
        soundfile.write(tmp_path / name, np.sin(np.arange(rate_hz) / 10) * 0.2, rate_hz)
    table = tmp_path / "sounds.csv"
    table.write_text(
        "id,file,split,package,caption,class\n"
        "a,web/a.ogg,train,flare-game,dog barking,animal\n"
        "b,web/b.flac,eval,openclonk-data,cat meowing,animal\n",
        encoding="utf-8",
    )
    training, held_out = (SoundLibrary.open(table, held_out=flag) for flag in (False, True))
    assert (training.captions, held_out.captions) == (("dog barking",), ("cat meowing",))
    assert training.sounds[0].duration_s == pytest.approx(1.0, abs=0.001)
    rows = read_rows(table, held_out=False) + read_rows(table, held_out=True)
    assert [sound_path(table, row) for row in rows] == [tmp_path / "web/a.ogg", tmp_path / "web/b.flac"]
    assert wide_paths(rows, table) == [tmp_path / "web/a.ogg"]  # the other has 16 kHz


def test_sounds_are_normalised_and_know_when_they_hit(tmp_path: Path) -> None:
    for sound in SoundLibrary.from_csv(write_library(tmp_path)).sounds:
        assert np.abs(sound.wave).max() == pytest.approx(1.0)
        assert sound.attacks.times_s[0] == pytest.approx(LEAD_S, abs=0.01)


def test_a_plain_folder_of_sounds_will_do(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(44_100) / 10) * 0.2, 44_100)
    (tmp_path / "captions.csv").write_text("file,caption\na.wav,siren wailing\n", encoding="utf-8")
    (sound,) = SoundLibrary.from_folder(tmp_path).sounds
    assert (sound.caption, sound.group) == ("siren wailing", "other")
    assert sound.duration_s == pytest.approx(1.0, abs=0.001)
    with pytest.raises(FoleyError, match=r"no captions\.csv"):
        SoundLibrary.from_folder(tmp_path / "nowhere")


def test_a_tenth_of_a_folder_is_kept_for_evaluation(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(4_410) / 10) * 0.2, 44_100)
    rows = [f"a.wav,siren {number},package {number}" for number in range(100)]
    (tmp_path / "captions.csv").write_text("\n".join(["file,caption,package", *rows]) + "\n", encoding="utf-8")
    training, held_out = (set(SoundLibrary.open(tmp_path, held_out=flag).captions) for flag in (False, True))
    assert not training & held_out
    assert len(training | held_out) == 100
    assert 5 <= len(held_out) <= 15


def test_a_folder_too_small_to_keep_some_for_evaluation_says_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(4_410) / 10) * 0.2, 44_100)
    (tmp_path / "captions.csv").write_text("file,caption\na.wav,siren\n", encoding="utf-8")
    with pytest.raises(FoleyError, match="kept for evaluation"):
        SoundLibrary.open(tmp_path, held_out=True)


def test_big_groups_are_damped(tmp_path: Path) -> None:
    """Two thirds of the sounds are impacts; drawn are sqrt(2) : 1."""
    library = SoundLibrary.from_csv(write_library(tmp_path))
    rng = np.random.default_rng(0)
    drawn = [library.draw(rng)[0].group for _ in range(2000)]
    assert drawn.count("impact") / len(drawn) == pytest.approx(np.sqrt(2) / (1 + np.sqrt(2)), abs=0.04)
