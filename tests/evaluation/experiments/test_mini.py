"""`evaluate mini`: likeness to real windows orders floor, chance and ceiling; the command prints all of it."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from everyday_sounds import KINDS, write_everyday_sounds
from scene_sets import NAMES, scene_set
from toy import save_toy_checkpoint, toy_pipeline

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.commands import mini as mini_cli
from rhythmic_foley.evaluation.experiments.held_out import select
from rhythmic_foley.evaluation.experiments.mini import MiniReport, Speed
from rhythmic_foley.evaluation.experiments.sampling import ABLATIONS
from rhythmic_foley.evaluation.metrics.hearing import PATCHES, SILENCE, hear, hear_wave, top_tags
from rhythmic_foley.evaluation.metrics.networks import YamnetOutputs
from rhythmic_foley.evaluation.metrics.quality import CEILING, FLOOR, Listener, evaluate_quality
from rhythmic_foley.evaluation.report.tables import Row
from rhythmic_foley.training.prepare import SceneSet


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


@pytest.fixture(scope="module")
def network(pipeline):
    """The toy's ear, whose classes follow its features clearly."""
    network = pipeline.aligned_encoder.yamnet
    with torch.no_grad():
        network.head.weight.copy_(torch.randn(network.head.weight.shape, generator=torch.Generator().manual_seed(0)))
    return network


def test_hearing_skips_silence_and_edges(network) -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((32, 8)).astype(np.float32)
    heard = hear(network, embeddings)
    assert heard.features.shape == (len(PATCHES), 8) == (14, 8)
    assert SILENCE not in heard.tags and len(heard.tags) == 5
    embeddings[[0, 1, 31]] = 100  # patches that reach over the edges
    np.testing.assert_array_equal(hear(network, embeddings).logits, heard.logits)


def test_a_wave_is_heard_at_the_tokens_of_the_prepared_scenes(network) -> None:
    from rhythmic_foley.models.yamnet import patches_at, yamnet_mel

    wave = np.random.default_rng(0).standard_normal(131_072).astype(np.float32) * 0.1
    with torch.inference_mode():
        centres_s = (torch.arange(32) + 0.5) * 0.256
        embeddings, _ = network(patches_at(yamnet_mel(torch.from_numpy(wave)), centres_s))
    np.testing.assert_allclose(
        hear_wave(network, wave, 16_000).features, hear(network, embeddings.numpy()).features, rtol=1e-4, atol=1e-5
    )


def test_top_tags() -> None:
    assert top_tags(np.array([0.1, 0.9, 0.3, 0.8, 0.2, 0.7, 0.0])) == {1, 3, 5, 2, 4}


@pytest.fixture(scope="module")
def listener(network) -> Listener:
    scenes = scene_set(count=48)
    return Listener(network, scenes, select(scenes, 99))


def test_floor_lies_below_the_ceiling(listener: Listener) -> None:
    floor, ceiling = listener.floor(), listener.ceiling()
    assert floor.pairs == ceiling.pairs == len(listener.selection.windows) > 10
    for key in ("caption_fd", "kl"):
        assert floor.estimates[key].value < 0.3 * ceiling.estimates[key].value
        assert floor.estimates[key].high < ceiling.estimates[key].low
    assert floor.estimates["tags"].value == 1.0 > ceiling.estimates["tags"].value
    # Sets alone do not show that every sound is in the wrong place.
    assert ceiling.estimates["fd"].value < 0.5 * ceiling.estimates["caption_fd"].value


def test_real_sounds_of_the_wrong_level_are_further_away(listener: Listener) -> None:
    real = [window.embeddings(listener.scenes) for window in listener.selection.windows]
    scaled = listener.row("scaled", [hear(listener.network, 1.5 * one) for one in real], resamples=0)
    assert scaled.estimates["fd"].value > 2 * listener.floor().estimates["fd"].value
    assert scaled.estimates["fd"].low is None


def test_models_and_variants_have_rows_between_the_bounds(pipeline, network) -> None:
    scenes = scene_set()
    listener = Listener(network, scenes, select(scenes, 2))
    variants = {name: ABLATIONS[name] for name in ("everything", "base alone")}
    said: list[str] = []
    rows = evaluate_quality({"toy": pipeline}, listener, variants=variants, coded=True, steps=1, progress=said.append)
    assert [row.method for row in rows][0] == FLOOR and rows[-1].method == CEILING
    assert [row.method for row in rows][2:4] == ["toy, everything", "toy, base alone"]
    assert said[-1] == "toy, base alone: window 2 of 2"
    again = evaluate_quality({"toy": pipeline}, listener, steps=1)
    assert again[1].estimates == rows[2].estimates  # same windows, same noise


def write_scenes(folder: Path, scenes: SceneSet) -> None:
    folder.mkdir()
    arrays = {name: getattr(scenes, name) for name in ("mels", "embeddings", "masks", "captions", "spans_s")}
    np.savez(folder / "scenes_0000.npz", **arrays)
    (folder / "captions.json").write_text(json.dumps(NAMES))


@pytest.fixture(scope="module")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_checkpoint(tmp_path_factory.mktemp("toy"))


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    mini_cli.add_mini_command(parser.add_subparsers())
    parsed = parser.parse_args(["mini", *map(str, arguments)])
    return parsed.run(parsed)


def test_command_prints_and_writes_everything(toy_model, network, tmp_path, monkeypatch, capsys) -> None:
    write_scenes(tmp_path / "held_out", scene_set())
    monkeypatch.setattr(YamnetOutputs, "load", classmethod(lambda cls: YamnetOutputs(network)))
    monkeypatch.setattr(
        "rhythmic_foley.evaluation.experiments.mini.measure_speed", lambda folder, steps: Speed(1.25, 900.0, 2)
    )
    options = ("--windows", 2, "--masks", 1, "--steps", 1, "--scenes", tmp_path / "held_out")
    out = tmp_path / "mini.json"
    assert run("--checkpoint", toy_model, "--json", out, *options) == 0
    printed = capsys.readouterr().out
    for expected in ("| method | pairs | FD (YAMNet, 64 axes) ↓", f"| {FLOOR} | 2 |", f"Tag agreement of {toy_model}"):
        assert expected in printed
    assert "| text only | reference |" in printed and "1.25 s for a window of 8.192 s on 2 threads" in printed
    data = json.loads(out.read_text())
    assert data["windows"] == 2 and list(data["speed"]) == [str(toy_model)]
    assert [row["method"] for row in data["quality"]] == [FLOOR, str(toy_model), CEILING]

    assert run("--checkpoint", toy_model, "--only", "kl", *options) == 0
    printed = capsys.readouterr().out
    assert "KL (YAMNet)" in printed and "Tag agreement of" not in printed and "Timing" not in printed


def test_command_judges_what_is_heard_when_it_is_given_recordings(toy_model, tmp_path, capsys) -> None:
    table = write_everyday_sounds(tmp_path)
    options = ("--data", table, "--only", "recognised,real", "--each", 1, "--taught", 4, "--steps", 1)
    assert run("--checkpoint", toy_model, "--ablations", *options) == 0
    printed = capsys.readouterr().out
    assert f"| {toy_model}, without semantic adapter | 3 |" in printed
    assert "| real against |" in printed and "Timing" not in printed


def test_command_writes_the_gallery(toy_model, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(
        "rhythmic_foley.evaluation.report.gallery.CAPTIONS", (("rain", ()), ("hammering wood", (0.5, 2.0)))
    )
    assert run("--checkpoint", toy_model, "--gallery", tmp_path / "page", "--steps", 1) == 0
    page = tmp_path / "page" / "index.html"
    assert capsys.readouterr().out.strip() == str(page)
    assert page.read_text(encoding="utf-8").count("<audio") == 4


def test_command_lays_kinds_side_by_side(toy_model, tmp_path) -> None:
    table = write_everyday_sounds(tmp_path)
    assert run("--checkpoint", toy_model, "--data", table, "--gallery", tmp_path / "page", "--steps", 1) == 0
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 3 * len(KINDS)  # real, sampled, generated
    assert "<h2>bell: bell sounding</h2>" in page


def test_command_refuses_what_is_not_there(toy_model, tmp_path) -> None:
    with pytest.raises(FoleyError, match="no prepared scenes"):
        run("--checkpoint", toy_model, "--scenes", tmp_path, "--only", "fd")
    with pytest.raises(FoleyError, match="recognised or real is judged on recordings: give --data"):
        run("--checkpoint", toy_model, "--only", "recognised")
    with pytest.raises(FoleyError, match="--windows must be at least 1"):
        run("--checkpoint", toy_model, "--windows", 0)
    with pytest.raises(SystemExit):
        run("--only", "beauty")


def test_two_models_are_compared_window_by_window(listener: Listener) -> None:
    report = MiniReport(("one", "two"), None, 1, ("kl",), (listener.floor(), *models(listener), listener.ceiling()))
    assert "KL (YAMNet) of two minus that of one: +0.00 [+0.00, +0.00]." in report.to_markdown()


def models(listener: Listener) -> list[Row]:
    return [replace(listener.floor(), method=name) for name in ("one", "two")]


def test_nothing_asked_for_nothing_printed() -> None:
    assert MiniReport(("a",), None, 1, ("fd",)).to_markdown() == ""
