"""Windows of everyday kinds: who is asked, who teaches, and when a recording is laid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from everyday_sounds import KINDS, write_everyday_sounds

from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.kind_windows import case_of, choose, everyday_recordings, lay
from rhythmic_foley.values.onsets import match_onsets


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_everyday_sounds(tmp_path_factory.mktemp("sounds"))


def test_kinds_need_three_sources_on_both_sides(table: Path) -> None:
    recordings = everyday_recordings(table)
    assert {recording.kind for recording in recordings} == set(KINDS)  # without the gong, which has one source
    assert {r.source for r in recordings if r.held_out} == {"three"}


def test_a_table_without_kinds_says_so(tmp_path: Path) -> None:
    (tmp_path / "sounds.csv").write_text("id,package,caption,class\na,b,c,d\n", encoding="utf-8")
    with pytest.raises(FoleyError, match="needs the columns kind and split"):
        everyday_recordings(tmp_path / "sounds.csv")


def test_choice_takes_turns_among_sources_and_fewer_are_the_first_of_more(table: Path) -> None:
    recordings = everyday_recordings(table)
    two, three = (choose(recordings, each, held_out=False, seed=1) for each in (2, 3))
    bells = [recording for recording in two if recording.kind == "bell"]
    assert {recording.source for recording in bells} == {"one", "two"}
    assert {recording.id for recording in two} < {recording.id for recording in three}
    assert not any(recording.held_out for recording in three)


def test_hits_are_where_the_case_says(table: Path) -> None:
    for recording in everyday_recordings(table):
        case, wave = case_of(recording, 3)
        assert wave.shape == (131_072,) and np.abs(wave).max() == pytest.approx(1.0)
        if recording.kind == "rain":
            assert case.goes_on and case.end_s == pytest.approx(8.192)
            assert np.abs(wave[-4000:]).max() > 0.1  # begun again up to the end
            continue
        found = attack_times(wave, 16_000)
        match = match_onsets(case.onsets.times_s, found.times_s, 0.02)
        assert match.hits == len(case.onsets) >= 1
        np.testing.assert_array_equal(lay(recording, case), wave)


def test_a_case_hangs_on_recording_and_seed_alone(table: Path) -> None:
    recording = everyday_recordings(table)[0]
    assert case_of(recording, 1)[0] == case_of(recording, 1)[0] != case_of(recording, 2)[0]
    request = case_of(recording, 1)[0].request("a bell rings")
    assert [event.label for event in request.events] == ["a bell rings"]
