"""mixdown: the clip's own sound under the new one, in as many channels as it has, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from odd_clips import RATE_HZ, Track, tone, write_odd_clip
from toy import save_toy_checkpoint

from rhythmic_foley.media.reading import read_channels
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.studio import Controls, Fix, Studio, Take
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

QUICK = Controls(steps=1, seed=3, events=(SoundEvent("dog barking"),), onsets=Onsets.of([0.25, 0.7]))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = tmp_path_factory.mktemp("toy")
    return Studio(save_toy_checkpoint(folder), cache=Cache(folder / "cache"))


def dub(studio: Studio, path: Path, controls: Controls, out: Path) -> Take:
    *_, analysis = studio.analyse_for(path, controls)
    (take,) = (item for item in studio.dub(analysis, controls, out) if isinstance(item, Take))
    return take


def test_the_clips_own_sound_stays_stereo(studio: Studio, tmp_path: Path) -> None:
    """Sound in opposite phase too, which a sum of both channels would lose; a stretch made anew keeps that."""
    sides = np.stack([tone(), -tone()], axis=1)
    path = write_odd_clip(tmp_path / "clip.mov", sounds=[Track(sides, "pcm_s16le", "stereo")])
    take = dub(studio, path, replace(QUICK, keep_original_db=0.0), tmp_path / "takes")
    fixed = dub(studio, path, replace(QUICK, seed=5, fix=Fix(take.folder, 0.4, 0.6)), tmp_path / "takes")
    for one in (take, fixed):
        for heard in (read_channels(one.video, RATE_HZ), soundfile.read(one.wav)[0]):
            assert heard.shape == (RATE_HZ, 2)
            assert ((heard[:, 0] - heard[:, 1]) / 2).std() == pytest.approx(tone().std(), rel=0.15)
            assert ((heard[:, 0] + heard[:, 1]) / 2).std() > 0.01, "the new sound is heard in both"
    before, after = (soundfile.read(one.wav, dtype="int16")[0] for one in (take, fixed))
    np.testing.assert_array_equal(before[: round(0.36 * RATE_HZ)], after[: round(0.36 * RATE_HZ)])
    assert not np.array_equal(before, after)


def test_a_centre_channel_is_heard_in_both(studio: Studio, tmp_path: Path) -> None:
    surround = np.zeros((RATE_HZ, 6), np.float32)
    surround[:, 2] = tone()
    path = write_odd_clip(tmp_path / "clip.mov", sounds=[Track(surround, "pcm_s16le", "5.1")])
    quiet = replace(QUICK, loudness_lufs=-60.0, keep_original_db=0.0)
    heard = read_channels(dub(studio, path, quiet, tmp_path / "takes").video, RATE_HZ)
    np.testing.assert_allclose(heard.std(axis=0), tone().std() * 2**-0.5, rtol=0.05)


def test_what_cannot_be_met_is_said(studio: Studio, tmp_path: Path) -> None:
    path = write_odd_clip(tmp_path / "clip.mp4")  # a second, silent
    late = replace(QUICK, onsets=Onsets.of([0.25, 0.7, 1.0, 5.5]), keep_original_db=0.0)
    take = dub(studio, path, late, tmp_path / "takes")
    assert take.measured.wanted == 2
    assert take.notes == (
        "2 onsets lie after the clip's end at 1.00 s and cannot be heard: 1.00, 5.50.",
        "The clip has no sound of its own that could be kept.",
    )
    part = dub(studio, path, replace(QUICK, range_s=(0.2, 9.0)), tmp_path / "takes")
    assert "The range ends at 9 s, but the clip is 1.00 s long." in part.notes
    fixed = dub(studio, path, replace(QUICK, fix=Fix(take.folder, 0.5, 3.0)), tmp_path / "takes")
    assert "What to fix ends at 3 s, but the take ends at 1.00 s." in fixed.notes
