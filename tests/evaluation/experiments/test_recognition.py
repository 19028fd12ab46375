"""Recognised as asked: real windows are, others are not, and whatever answers the cases is judged alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from everyday_sounds import KINDS, write_everyday_sounds
from toy import toy_pipeline

from rhythmic_foley.evaluation.experiments.ear import CODED, EarOptions, evaluate_ear
from rhythmic_foley.evaluation.experiments.kind_windows import Recording, everyday_recordings
from rhythmic_foley.evaluation.experiments.recognition import (
    OTHER,
    REAL,
    SAMPLED,
    Ear,
    Trial,
    answer,
    confusion_table,
    nearest_recordings,
    unknown_kinds,
)
from rhythmic_foley.evaluation.experiments.sampling import Generated, Parts, Request
from rhythmic_foley.evaluation.metrics.networks import YamnetOutputs


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


@pytest.fixture(scope="module")
def network():
    """The shipped YAMNet: a toy with random weights would not tell the kinds apart."""
    return YamnetOutputs.load().network


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    return everyday_recordings(write_everyday_sounds(tmp_path_factory.mktemp("sounds"), each=4))


@pytest.fixture(scope="module")
def trial(network, recordings: Sequence[Recording]) -> Trial:
    return Trial.of(Ear.learn(network, recordings, each=8), recordings, each=4)


def test_real_windows_are_recognised_and_those_of_other_kinds_are_not(trial: Trial) -> None:
    real = trial.judge(trial.real).row(REAL, trial.kinds)
    assert real.pairs == 4 * len(KINDS)
    assert real.estimates["first"].value > 0.9 and real.estimates["three"].value == 1.0  # there are three kinds
    other = trial.judge_other()
    assert (other.ranks > 0).mean() > 0.9


def test_the_nearest_recording_has_the_asked_words(trial: Trial, pipeline, recordings) -> None:
    nearest = nearest_recordings(pipeline, trial.cases, recordings)
    assert [recording.caption for recording in nearest] == [case.recording.caption for case in trial.cases]
    assert not any(recording.held_out for recording in nearest)
    assert (trial.judge_sampled(pipeline, recordings).ranks == 0).mean() > 0.9


def test_answers_come_in_the_order_of_the_cases(trial: Trial) -> None:
    """A model that plays the real window for each request is recognised as the real windows are."""
    waves = {case.seed: wave for case, wave in zip(trial.cases, trial.waves, strict=True)}
    asked: list[tuple[Request, Parts]] = []

    def play(pipeline: object, requests: Sequence[Request], parts: Parts):
        asked.extend((request, parts) for request in requests)
        return [Generated(waves[request.seed], 16_000, np.zeros((128, 512))) for request in requests]

    sounds = answer(None, trial.cases, ["words"] * len(trial.cases), Parts(), generator=play)
    np.testing.assert_allclose(trial.judge_sounds(sounds).features, trial.real, rtol=1e-4, atol=1e-5)
    assert all((parts.temporal_scale == 0) == (not len(request.onsets)) for request, parts in asked)


def test_confusions_name_what_was_heard_instead(trial: Trial) -> None:
    lines = confusion_table(trial.judge_other().row(OTHER, trial.kinds)).splitlines()
    assert len(lines) == 2 + len(KINDS)
    bell = next(line for line in lines if line.startswith("| bell | 4 | 0 |"))
    assert "rain" in bell or "thud" in bell


def test_kinds_that_a_probe_does_not_know_are_found() -> None:
    """What is called a riddle sounds, in each fold of sources, like three other kinds at once."""
    rng = np.random.default_rng(0)
    kinds = np.array([f"kind {number}" for number in range(9)] * 12 + ["riddle"] * 12)
    folds = np.arange(len(kinds)) // 9 % 3
    places = np.eye(9)[np.arange(len(kinds)) % 9]
    places[kinds == "riddle"] = np.repeat(np.eye(3), 3, axis=1)[folds[kinds == "riddle"]]
    features = 4 * places + 0.3 * rng.standard_normal(places.shape)
    assert unknown_kinds(features, kinds, folds) == ("riddle",)


def test_the_whole_report(pipeline, network, tmp_path: Path) -> None:
    table = write_everyday_sounds(tmp_path, each=2)
    options = EarOptions(each=2, taught=4, steps=1)
    report = evaluate_ear({"toy": pipeline}, network, table, options)
    assert [row.method for row in report.rows] == [REAL, CODED, "toy", "toy, in other words", SAMPLED, OTHER]
    assert set(report.realness) == {SAMPLED, CODED, "toy", "toy, in other words"}
    printed = report.to_markdown()
    for expected in ("| method | pairs | asked kind first", "toy: ", "of the ceiling first", "| real against |"):
        assert expected in printed
    assert "among three, toy, in other words minus toy:" in printed and "Heard for toy:" in printed
