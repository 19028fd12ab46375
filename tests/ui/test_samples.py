"""Takes of the examples: packed small, and whole again for whoever looks at one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from ui.fake_studio import FakeStudio

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.media.reading import probe
from rhythmic_foley.studio.takes import rename_take
from rhythmic_foley.ui.samples import examples, pack, unpack
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.onsets import Onsets


def test_a_packed_take_comes_out_as_it_went_in(clip: Path, tmp_path: Path) -> None:
    example = tmp_path / "examples" / "bell.mp4"
    example.parent.mkdir()
    shutil.copyfile(clip, example)
    studio = FakeStudio()
    *_, analysis = studio.analyse(example, describe=False, find_onsets=False)
    *_, take = studio.dub(analysis, Controls(onsets=Onsets.of([0.25, 0.7]), seed=5), tmp_path / "dubs")
    packed = example.parent / "takes" / "bell"
    pack(rename_take(take, "Take 1"), packed)
    assert not list(packed.glob("*.mp4")) and not list(packed.glob("*.wav"))

    for visitor in ("anna", "bert"):
        (tmp_path / visitor).mkdir()
        own, (again,) = unpack(example, tmp_path / visitor)
        assert Path(own).is_relative_to(tmp_path / visitor) and again.folder.is_relative_to(tmp_path / visitor)
        assert (again.name, again.seed, again.measured) == ("Take 1", 5, take.measured)
        before = read_wav(tmp_path / "dubs" / "Take_1" / again.wav.name)[0]
        after = read_wav(again.wav)[0]
        np.testing.assert_array_equal(before, after)
        assert probe(again.video).has_audio and again.onsets_csv.is_file()


def test_an_example_without_takes_is_a_clip_alone(clip: Path, tmp_path: Path) -> None:
    own, takes = unpack(clip, tmp_path)
    assert Path(own).is_file() and takes == ()


def test_there_are_examples_with_names_for_people() -> None:
    assert 4 <= len(examples()) <= 6
