"""Lists of the public data sets: what is there is found under the usual names, what is not is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhythmic_foley import cli
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.report.folders import find_clips
from rhythmic_foley.training.full.sources import audioset, listed_videos, sound_effects, vggsound


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_vggsound(tmp_path: Path) -> None:
    table = tmp_path / "vggsound.csv"
    table.write_text(
        '---g-f_I2yQ,1,"people marching",train\n--0PQM4-hqg,30,"waterfall, burbling",train\n'
        "--56QUhyDQM,185,playing tennis,train\n--5OkAjCI7g,40,people belly laughing,test\ngone,5,rain,train\n"
    )
    folder = touch(
        tmp_path / "clips",
        "---g-f_I2yQ_000001.mp4",
        "vggsound_--0PQM4-hqg_30000_40000.mp4",
        "--56QUhyDQM_185.mp4",
        "--5OkAjCI7g_000040.mp4",
    )
    found = vggsound(table, folder)
    assert [clip.caption for clip in found.clips] == ["people marching", "waterfall, burbling", "playing tennis"]
    assert found.missing == 1 and all(clip.has_picture for clip in found.clips)
    assert [clip.caption for clip in vggsound(table, folder, "test").clips] == ["people belly laughing"]
    with pytest.raises(FoleyError, match="None of the 4 listed clips"):
        vggsound(table, touch(tmp_path / "empty", "x"))


def test_audioset(tmp_path: Path) -> None:
    table, labels = tmp_path / "segments.csv", tmp_path / "class_labels_indices.csv"
    table.write_text(
        "# Segments csv created Sun Mar  5 10:54:31 2017\n# YTID, start_seconds, end_seconds, positive_labels\n"
        '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"\n-0000, 0.000, 10.000, "/m/09x0r"\n'
    )
    labels.write_text('index,mid,display_name\n0,/m/09x0r,"Speech"\n453,/t/dd00088,"Gush"\n')
    found = audioset(table, touch(tmp_path / "clips", "Y--PJHxphWEs.mp4"), labels)
    assert [clip.caption for clip in found.clips] == ["Speech, Gush"]
    assert found.missing == 1


def test_sound_effects(tmp_path: Path) -> None:
    folder = touch(tmp_path / "sounds", "doors/wood.door_slam.wav", "dog_bark.flac", "notes.txt")
    found = sound_effects(folder)
    assert {(clip.name, clip.caption) for clip in found.clips} == {
        ("doors-wood_door_slam", "wood.door slam"),
        ("dog_bark", "dog bark"),
    }
    table = tmp_path / "captions.csv"
    table.write_text('dog_bark.flac,"a dog, barking"\ngone.wav,rain\n')
    found = sound_effects(folder, table)
    assert [clip.caption for clip in found.clips] == ["a dog, barking"] and found.missing == 1
    assert not found.clips[0].has_picture


def test_listed_videos(tmp_path: Path) -> None:
    table = tmp_path / "test.txt"
    table.write_text("dog_barking/a1\nhammering/b2.mp4\nhammering/gone\n")
    found = listed_videos(table, touch(tmp_path / "videos", "dog_barking/a1.mp4", "hammering/b2.mp4"))
    assert [clip.caption for clip in found.clips] == ["dog barking", "hammering"] and found.missing == 1
    with pytest.raises(FoleyError, match="list .* cannot be read"):
        listed_videos(tmp_path / "none.txt", tmp_path)


def test_a_list_laid_out_to_be_evaluated_on(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    table = tmp_path / "test.txt"
    table.write_text("dog_barking/a1_0.5_2.5\nhammering/b2.mp4\nhammering/gone\n")
    folder = touch(tmp_path / "videos", "dog_barking/a1_0.5_2.5.mp4", "hammering/b2.mp4")
    (folder / "hammering" / "b2.mp4").write_bytes(b"picture and sound")
    command = ["train-full", "lay-out", "listed", str(folder), "--table", str(table), "--out", str(tmp_path / "out")]
    for _ in range(2):
        assert cli.main(command) == 0
        assert capsys.readouterr().out.startswith("2 clips, 1 missing")
    assert (tmp_path / "out" / "hammering-b2.mp4").read_bytes() == b"picture and sound"
    assert set(find_clips(tmp_path / "out")) == {"dog_barking-a1_0_5_2_5", "hammering-b2"}
    told = (tmp_path / "out" / "descriptions.csv").read_text().splitlines()
    assert told == ["clip,caption", "dog_barking-a1_0_5_2_5,dog barking", "hammering-b2,hammering"]
