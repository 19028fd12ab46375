"""The commands `convert` and `download`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from weights.tiny import TINY

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.weights import cli, convert, download
from rhythmic_foley.weights.registry import DIFF_FOLEY, MINI_GEMINI


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_weights_commands(parser.add_subparsers())
    return parser.parse_args(arguments)


@pytest.fixture
def tiny_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = convert.convert_diff_foley
    monkeypatch.setattr(convert, "convert_diff_foley", lambda *args, **options: whole(*args, sizes=TINY, **options))


@pytest.mark.usefixtures("tiny_sizes")
def test_convert(tiny_files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "diff-foley"
    args = parse(
        "convert", "diff-foley", "--cavp", str(tiny_files["cavp"]), "--ldm", str(tiny_files["ldm"]), "--out", str(out)
    )
    args.run(args)
    printed = json.loads(capsys.readouterr().out)
    assert printed["folder"] == str(out) and (out / "model_index.json").is_file()
    assert printed["extra_keys"] == {"cavp": [], "ldm": []}
    with pytest.raises(FoleyError, match="already there"):
        args.run(args)


@pytest.mark.usefixtures("tiny_sizes")
def test_download(
    tiny_files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {file.role: 1 for file in DIFF_FOLEY.files}
    offer = download.Offer(DIFF_FOLEY, sizes, {}, licence=None, revision=None)
    monkeypatch.setattr(download, "ask", lambda weights: offer)
    monkeypatch.setattr(download, "fetch", lambda offer, say: tiny_files)
    args = parse("download", "diff-foley", "--out", str(tmp_path / "diff-foley"))
    args.run(args)
    printed = capsys.readouterr()
    assert "classifier" in json.loads(printed.out)["components"]
    assert DIFF_FOLEY.licence in printed.err


def test_download_of_the_describer(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size and licence are said before anything is fetched; the folder stays as it is published."""
    said_before: list[str] = []

    def fetch(offer: download.Offer, say: object, folder: Path) -> None:
        said_before.append(capsys.readouterr().err)
        folder.mkdir()
        (folder / "config.json").write_text("{}", encoding="utf-8")

    sizes = {file.role: 1_000_000 for file in MINI_GEMINI.files}
    offer = download.Offer(MINI_GEMINI, sizes, {}, licence=None, revision=None)
    monkeypatch.setattr(download, "ask", lambda weights: offer)
    monkeypatch.setattr(download, "fetch", fetch)
    args = parse("download", "mini-gemini", "--out", str(tmp_path / "MGM-2B"))
    args.run(args)
    assert "CC BY-NC 4.0" in said_before[0] and "GB" in said_before[0]
    assert json.loads(capsys.readouterr().out)["folder"] == str(tmp_path / "MGM-2B")
    with pytest.raises(FoleyError, match="already there"):
        args.run(args)


def test_where_models_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHYTHMIC_FOLEY_CHECKPOINTS", "/models")
    assert parse("download", "diff-foley").out == Path("/models/diff-foley")
    assert parse("download", "mini-gemini").out == Path("/models/MGM-2B")


def test_convert_needs_its_files(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        parse("convert", "diff-foley", "--cavp", "x")
    assert "--ldm" in capsys.readouterr().err
