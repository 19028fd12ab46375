"""`evaluate dub`: folders of dubs by variant, the paper's tables cut from the report, figure and page, on a toy."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import make_clip
from PIL import Image
from toy import save_toy_checkpoint

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.commands.dub import add_dub_command
from rhythmic_foley.evaluation.commands.report import hit_clips
from rhythmic_foley.evaluation.experiments.dubbing import FULL, VARIANTS, DubRun, dub_clips
from rhythmic_foley.evaluation.metrics.bounds import NOISE, ORIGINAL, SHIFTED, SHUFFLED
from rhythmic_foley.evaluation.report.figure import mel_figure, thumbnails
from rhythmic_foley.evaluation.report.folders import ClipFiles
from rhythmic_foley.evaluation.report.paper_tables import paper_tables, summary
from rhythmic_foley.evaluation.report.tables import Column, Estimate, Report, Row
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.curve import Curve
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis


@pytest.fixture(scope="module")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    for name in ("one", "two"):
        make_clip(tmp_path / "clips" / f"{name}.mp4", audio="tone")
    make_clip(tmp_path / "clips" / "mute.mp4", audio=None)
    return tmp_path / "clips"


def test_a_run_goes_on_where_it_stopped(toy_model: Path, clips: Path, tmp_path: Path) -> None:
    studio = Studio(toy_model, cache=Cache(tmp_path / "cache"))
    run = DubRun(clips, tmp_path / "out", (FULL, "without-temporal"), 1, Controls(seed=3, steps=1))
    folders = dub_clips(studio, run)
    assert list(folders) == [FULL, "without-temporal"]
    sounds = sorted(path.relative_to(run.out).as_posix() for path in run.out.rglob("*.wav"))
    assert sounds == [f"{v}/{c}_sample_0.wav" for v in (FULL, "without-temporal") for c in ("one", "two")]
    settings = json.loads((run.out / "without-temporal" / "one_sample_0.json").read_text())
    assert (settings["temporal_scale"], settings["seed"]) == (0.0, 3)
    assert not [path for path in (run.out / FULL).iterdir() if path.is_dir()]

    (run.out / FULL / "two_sample_0.wav").unlink()
    said: list[str] = []
    dub_clips(studio, run, said.append)
    assert said == ["two (2 of 2): looking", "two (2 of 2): full, sample 0"]
    with pytest.raises(FoleyError, match="other settings"):
        dub_clips(studio, DubRun(clips, run.out, (FULL,), 1, Controls(seed=4, steps=1)))


def test_no_clip_with_sound_is_a_sentence(toy_model: Path, tmp_path: Path) -> None:
    make_clip(tmp_path / "mute.mp4", audio=None)
    with pytest.raises(FoleyError, match="both a picture and a sound"):
        dub_clips(Studio(toy_model), DubRun(tmp_path, tmp_path / "out"))


def test_variants_change_what_they_say(tmp_path: Path) -> None:
    wave = np.zeros(32_000)
    wave[8000:9000] = np.random.default_rng(0).standard_normal(1000) * 0.3
    soundfile.write(tmp_path / "a.wav", wave, 16_000)
    files = ClipFiles(tmp_path / "a.wav", None)
    events = (SoundEvent("dog barking", "small", 0.5, 1.0), SoundEvent("rain"), SoundEvent("rain", start_s=1.5))
    analysis = Analysis(None, "", events, Onsets.of([0.9]), 0.5, Curve(np.zeros(0), np.zeros(0)), "test")
    changed = {name: change(Controls(), analysis, files) for name, change in VARIANTS.items()}
    assert changed[FULL] == Controls()
    assert changed["without-events"] == Controls(text="dog barking, small, rain")
    told = VARIANTS["without-events"](Controls(text="a dog"), analysis, files)
    assert told == Controls(text="a dog")
    assert changed["without-semantics"] == Controls(semantic_scale=0.0)
    assert changed["without-temporal"] == Controls(temporal_scale=0.0)
    assert changed["corrected-onsets"].onsets.times_s == pytest.approx([0.5], abs=0.01)


KINDS = {ORIGINAL: "ceiling"} | dict.fromkeys((SHUFFLED, SHIFTED, NOISE), "floor")


def row(method: str, onsets: dict[str, float], fd: float) -> Row:
    clips = tuple({"clip": clip, "onset_ap": value} for clip, value in onsets.items())
    estimates = {"onset_ap": Estimate(float(np.mean(list(onsets.values()))), None, None, len(clips))}
    return Row(
        method,
        len(clips),
        estimates | {"fd_net": Estimate(fd, None, None, len(clips))},
        {},
        clips,
        KINDS.get(method, "method"),
    )


@pytest.fixture
def report() -> Report:
    columns = (
        Column("onset_ap", "AP", True, floors=(SHUFFLED, SHIFTED)),
        Column("fd_net", "FD (net)", False, floors=(NOISE,)),
    )
    names = (ORIGINAL, "other method", "mine", "mine, without semantics", "mine, without temporal", SHUFFLED, NOISE)
    rows = [row(name, {"bell": 1.0 - n / 10, "rain": 0.0}, float(n)) for n, name in enumerate(names)]
    return Report(columns, tuple(rows))


def test_tables_have_the_papers_rows_and_columns(report: Report, tmp_path: Path) -> None:
    ablations = {"semantic": ["mine, without semantics"], "temporal": ["mine, without temporal"]}
    tables = {item.number: item for item in paper_tables(report, full="mine", **ablations)}
    assert list(tables) == ["I", "II", "IV", "V"]
    methods = {number: [row.method for row in item.report.rows] for number, item in tables.items()}
    assert methods["I"] == [ORIGINAL, "other method", "mine", NOISE]
    assert methods["II"] == [ORIGINAL, "other method", "mine", SHUFFLED]
    assert methods["IV"] == [ORIGINAL, "mine", "mine, without semantics", NOISE]
    assert methods["V"] == [ORIGINAL, "mine", "mine, without temporal", SHUFFLED]
    assert [column.key for column in tables["I"].report.columns] == ["fd_net"]
    assert [column.key for column in tables["V"].report.columns] == ["onset_ap"]
    assert tables["II"].to_markdown().startswith("## Table II: timing\n\n| method | pairs | AP ↑ |")
    assert [path.name for path in tables["I"].write(tmp_path)] == ["table_I.md", "table_I.csv", "table_I.json"]
    assert [item.number for item in paper_tables(report, full="mine")] == ["I", "II"]


def test_timing_on_hits_alone(report: Report) -> None:
    table = paper_tables(report, full="mine", hits={"bell"})[1].report
    assert [row.estimates["onset_ap"].value for row in table.rows] == pytest.approx([1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    assert {row.pairs for row in table.rows} == {1}
    assert table.left_out[-1] == "Only clips whose sound is single hits: bell."


def test_summary_has_timing_on_hits_and_likeness_on_all(report: Report) -> None:
    columns = Column("onset_ap_strict", "AP", True, floors=(SHUFFLED,)), report.columns[1]
    rows = tuple(
        replace(
            row,
            estimates={"onset_ap_strict": row.estimates["onset_ap"], "fd_net": row.estimates["fd_net"]},
            clips=tuple({"clip": clip["clip"], "onset_ap_strict": clip["onset_ap"]} for clip in row.clips),
        )
        for row in report.rows
    )
    text = summary(Report(columns, rows), {"bell"}, resamples=0).to_markdown()
    assert text.startswith("| method | pairs | AP, 1 pair ↑ | FD (net) ↓ |")
    assert "| mine | 2 | 0.80 | 2.00 |" in text and "single hits: bell" in text


def test_hits_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("clip,sound_kind\na,impulsive\nb,continuous\n", encoding="utf-8")
    assert hit_clips(str(path)) == {"a"} and hit_clips("a,b") == {"a", "b"} and hit_clips(None) is None
    path.write_text("name\na\n", encoding="utf-8")
    with pytest.raises(FoleyError, match="no column clip; it needs clip and sound_kind"):
        hit_clips(str(path))


def test_figure_is_a_column_wide_and_as_tall_as_its_rows(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).standard_normal(32_000).astype(np.float32) * 0.1
    sounds = {"Ground truth": (wave, 16_000), "$mine$": (wave[:20_000], 16_000)}
    pictures = [np.full((90, 160, 3), 128, np.uint8)] * 3
    with Image.open(mel_figure(sounds, tmp_path / "f.png", onsets_s=(0.5, 9.0), frames=pictures)) as image:
        assert image.width == 1400 and image.height > 600
    with Image.open(mel_figure({"a": (wave, 16_000)}, tmp_path / "one.png")) as image:
        assert image.width == 1400 and image.height < 500
    assert mel_figure(sounds, tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(FoleyError, match="not f.gif"):
        mel_figure(sounds, tmp_path / "f.gif")


def test_thumbnails_come_from_the_middle_of_each_part(clip: Path) -> None:
    pictures = thumbnails(clip, 4, side=64)
    assert len(pictures) == 4 and max(pictures[0].shape) <= 64


def test_command(toy_model: Path, clips: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("RHYTHMIC_FOLEY_CACHE", str(tmp_path / "cache"))
    parser = argparse.ArgumentParser()
    add_dub_command(parser.add_subparsers())
    out = tmp_path / "out"
    (tmp_path / "theirs").mkdir()
    for name in ("one", "two"):
        soundfile.write(
            tmp_path / "theirs" / f"{name}.wav", np.random.default_rng(1).standard_normal(16_000) * 0.1, 16_000
        )
    options = ["--clips", clips, "--out", out, "--model", toy_model, "--steps", 1, "--resamples", 0, "--corrected"]
    options += ["--ablations", "without-events,without-temporal", "--baseline", f"Theirs={tmp_path / 'theirs'}"]
    (tmp_path / "said.csv").write_text("clip,class_guess\none,hammering wood\n", encoding="utf-8")
    options += [
        "--descriptions",
        tmp_path / "said.csv",
        "--skip",
        "visqol",
        "--skip",
        "yamnet",
        "--video-trained",
        toy_model,
    ]
    parsed = parser.parse_args(["dub", *map(str, options)])
    assert parsed.run(parsed) == 0
    name = toy_model.name
    printed = capsys.readouterr().out
    for method in (ORIGINAL, "Theirs", name, f"{name}, without events", f"{name}, corrected onsets", SHUFFLED):
        assert f"| {method} | 2 |" in printed
    assert "as a person would (said.csv)" in printed
    settings = [json.loads((out / "sounds" / FULL / f"{clip}_sample_0.json").read_text()) for clip in ("one", "two")]
    assert [one["events"][0]["label"] == "hammering wood" for one in settings] == [True, False]
    made = {path.name for path in out.iterdir()}
    assert {
        "report.md",
        "table_II.csv",
        "table_V.json",
        "summary.md",
        "figure3.pdf",
        "figure3.png",
        "report.html",
    } <= made
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 2 * 7 and "trained by video features" in page and 'src="http' not in page
