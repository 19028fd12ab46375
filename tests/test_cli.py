"""The command line: what it prints, how it fails, and that every option arrives where it is used."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from toy import save_toy_checkpoint

from rhythmic_foley import cli
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe
from rhythmic_foley.studio.studio import Asking, Controls, Fix, Progress, Studio, Take
from rhythmic_foley.values.curve import Curve
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets, match_onsets

ROOT = Path(__file__).parents[1]
EVENTS = (SoundEvent("dog barking", "small, close", 0.5, 2.0, 0.8), SoundEvent("rain"))
ONSETS = Onsets.of([0.5, 1.25], [1.0, 0.6])
CURVE = Curve(np.array([0.0, 0.5, 1.0, 1.5, 2.0]), np.array([0.0, 1.0, 0.0, 0.6, 0.0]))


class FakeStudio:
    """Answers at once and remembers what it was asked."""

    def __init__(self) -> None:
        self.model: str | None = None
        self.revision = "1"
        self.defaults = Controls()
        self.analysed: list[tuple[str, bool, bool]] = []
        self.heard: list[tuple[str, Path | None]] = []
        self.controls: list[Controls] = []
        self.out_dirs: list[Path] = []
        self.interrupt = False
        self.closed = False

    analyse_for = Studio.analyse_for  # the real rule of what is looked at
    describers = {None: SimpleNamespace(is_large=False)}

    def load_ahead(self, controls):
        """There is nothing to load."""

    def analyse(self, path, *, describe=True, find_onsets=True, describer=None, onsets_from="picture", guide=None):
        self.analysed.append((Path(path).name, describe, find_onsets))
        self.heard.append((onsets_from, guide))
        yield Progress(0.5, "looking", None)
        if "bad" in Path(path).name:
            raise FoleyError("This file holds no picture.")
        yield SimpleNamespace(
            suggestions=(),
            clip=SimpleNamespace(duration_s=2.5),
            events=EVENTS,
            onsets=ONSETS,
            threshold=0.4,
            curve=CURVE,
            digest="abc",
            describer="fake",
            notes=(),
        )

    def dub(self, analysis, controls, out_dir):
        self.controls.append(controls)
        self.out_dirs.append(out_dir)
        try:
            yield Progress(0.1, "denoising", 3.0)
            if self.interrupt:
                raise KeyboardInterrupt
            for number in range(controls.takes):
                folder = out_dir / f"take-{number}"
                yield Take(
                    name=folder.name,
                    folder=folder,
                    video=folder / "dub.mp4",
                    wav=folder / "dub.wav",
                    mel=folder / "mel.png",
                    settings=folder / "take.json",
                    seed=7 + number,
                    measured=match_onsets([0.5], [0.52], 0.05),
                    controls=controls,
                    notes=("The picture was encoded anew.",),
                )
        finally:
            self.closed = True


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    fake = FakeStudio()

    def open_studio(model, describer="embedded", asking=None, libraries=()):
        fake.libraries = libraries
        fake.model, fake.describer, fake.asking = model, describer, asking
        return fake

    monkeypatch.setattr(cli, "open_studio", open_studio)
    return fake


def printed(capsys: pytest.CaptureFixture) -> list[dict]:
    """The JSON lines of `dub`."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_onsets_prints_what_the_curve_says(studio, capsys):
    assert cli.main(["onsets", "clip.mp4"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "duration_s": 2.5,
        "onsets_s": [0.5, 1.25],
        "strengths": [1.0, 0.6],
        "threshold": 0.4,
        "curve_times_s": [0.0, 0.5, 1.0, 1.5, 2.0],
        "curve": [0.0, 1.0, 0.0, 0.6, 0.0],
    }
    assert studio.analysed == [("clip.mp4", False, True)]


@pytest.mark.parametrize("command", ["describe", "dub"])
def test_the_describer_can_be_chosen(studio, command, tmp_path):
    out = ["--out", str(tmp_path)] if command == "dub" else []
    assert cli.main([command, "clip.mp4", *out]) == 0
    assert studio.describer == "embedded"
    assert cli.main([command, "clip.mp4", "--describer", "some/model", *out]) == 0
    assert studio.describer == "some/model" and studio.asking == Asking()
    (tmp_path / "questions.json").write_text('{"sheet": "What is heard?"}', encoding="utf-8")
    own = ["--ask", "sheet", "--questions", str(tmp_path / "questions.json")]
    assert cli.main([command, "clip.mp4", *own, *out]) == 0
    assert studio.asking.way == "sheet" and studio.asking.prompts.sheet == "What is heard?"
    assert cli.main([command, "clip.mp4", "--questions", str(tmp_path / "none.json"), *out]) == 2


def test_a_higher_threshold_finds_fewer_onsets(studio, capsys):
    found = {}
    for threshold in ("0.2", "0.8"):
        assert cli.main(["onsets", "clip.mp4", "--threshold", threshold]) == 0
        result = json.loads(capsys.readouterr().out)
        assert result["threshold"] == float(threshold)
        found[threshold] = result["onsets_s"]
    assert len(found["0.2"]) == 2
    assert found["0.8"] == found["0.2"][:1]


def test_describe_prints_the_events(studio, capsys):
    assert cli.main(["describe", "clip.mp4"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["describer"] == "fake"
    assert result["events"][0] == {
        "label": "dog barking",
        "detail": "small, close",
        "start_s": 0.5,
        "end_s": 2.0,
        "confidence": 0.8,
    }
    assert studio.analysed == [("clip.mp4", True, True)]


def test_onsets_chooses_other_readings_in_order(studio, capsys):
    assert cli.main(["onsets", "clip.mp4", "--choose", "every-second", "--choose", "strongest:1"]) == 0
    assert len(json.loads(capsys.readouterr().out)["onsets_s"]) == 1
    assert cli.main(["onsets", "clip.mp4", "--choose", "thirds"]) == 2
    assert "every-second, other-phase or strongest:N" in capsys.readouterr().err


def test_onsets_come_from_where_one_says(studio):
    assert cli.main(["onsets", "clip.mp4"]) == 0
    assert cli.main(["onsets", "clip.mp4", "--onsets-from", "sound"]) == 0
    assert cli.main(["dub", "clip.mp4", "--guide", "taps.wav"]) == 0
    assert studio.heard == [("picture", None), ("sound", None), ("picture", Path("taps.wav"))]


OPTIONS = {
    "text": (["--text", "dog barking"], "dog barking"),
    "negative": (["--negative", "music"], "music"),
    "semantic_scale": (["--semantic-scale", "0.25"], 0.25),
    "temporal_scale": (["--temporal-scale", "0"], 0.0),
    "guidance_scale": (["--guidance", "3.5"], 3.5),
    "classifier_scale": (["--classifier-scale", "50"], 50.0),
    "onset_guidance": (["--onset-guidance", "1"], 1.0),
    "steps": (["--steps", "7"], 7),
    "seed": (["--seed", "42"], 42),
    "takes": (["--takes", "2"], 2),
    "keep_original_db": (["--keep-original", "-12"], -12.0),
    "loudness_lufs": (["--loudness", "-23"], -23.0),
    "range_s": (["--range", "2-6.5"], (2.0, 6.5)),
    "fix": (["--fix", "dubs/a@b@1.5-2"], Fix(Path("dubs/a@b"), 1.5, 2.0)),
    "source": (["--source", "blend"], "blend"),
    "library": (["--library", "doors", "--library", "bells"], (Path("doors"), Path("bells"))),
    "samples": (["--samples", "a.wav", "b.wav"], (Path("a.wav"), Path("b.wav"))),
    "reference": (["--reference", "hit.wav"], Path("hit.wav")),
    "reference_strength": (["--reference-strength", "0.8"], 0.8),
    "stems": (["--stems"], True),
    "onsets_from": (["--onsets-from", "both"], "both"),
    "guide": (["--guide", "taps.wav"], Path("taps.wav")),
    "onsets": (["--onsets", "0.5, 1.2"], Onsets.of([0.5, 1.2])),
    "events": (["--events", "events.txt"], (SoundEvent("rain", "on a roof", 0.0, 2.5),)),
}


def test_every_control_has_an_option():
    assert {field.name for field in fields(Controls)} == set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_changes_its_control_and_no_other(name, studio, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("events.txt").write_text("0.0-2.5 rain (on a roof)\n")
    arguments, value = OPTIONS[name]
    assert cli.main(["dub", "clip.mp4", *arguments]) == 0
    (controls,) = studio.controls
    changed = {f.name for f in fields(Controls) if getattr(controls, f.name) != getattr(Controls(), f.name)}
    assert getattr(controls, name) == value
    assert changed == {name}


def test_a_model_brings_its_own_defaults(studio):
    studio.defaults = Controls(steps=25, guidance_scale=4.5)
    assert cli.main(["dub", "clip.mp4", "--guidance", "2"]) == 0
    assert studio.controls == [Controls(steps=25, guidance_scale=2.0)]


def test_loudness_can_be_left_alone(studio):
    assert Controls().loudness_lufs is not None
    assert cli.main(["dub", "clip.mp4", "--loudness", "off"]) == 0
    assert studio.controls[0].loudness_lufs is None


def test_model_and_folder_arrive(studio, tmp_path):
    assert cli.main(["dub", "clip.mp4", "--model", "elsewhere", "--out", str(tmp_path)]) == 0
    assert studio.model == "elsewhere"
    assert studio.out_dirs == [tmp_path]


def test_dub_prints_a_line_for_each_take(studio, capsys, tmp_path):
    assert cli.main(["dub", "clip.mp4", "--takes", "2", "--out", str(tmp_path)]) == 0
    output = capsys.readouterr()
    takes = [json.loads(line) for line in output.out.splitlines()]
    assert [take["seed"] for take in takes] == [7, 8]
    assert takes[0]["clip"] == "clip.mp4"
    assert takes[0]["video"] == str(tmp_path / "take-0" / "dub.mp4")
    assert takes[0]["measured"]["hits"] == 1
    assert "take-0: The picture was encoded anew." in output.err


def test_what_is_said_is_not_looked_for(studio):
    assert cli.main(["dub", "clip.mp4", "--text", "dog", "--onsets", "0.5"]) == 0
    assert studio.analysed == [("clip.mp4", False, False)]


def test_dub_reads_what_onsets_and_describe_print(studio, capsys, tmp_path, monkeypatch):
    for command in ("onsets", "describe"):
        cli.main([command, "clip.mp4"])
        (tmp_path / f"{command}.json").write_text(capsys.readouterr().out)
    options = ["--onsets", str(tmp_path / "onsets.json"), "--events", str(tmp_path / "describe.json")]
    assert cli.main(["dub", "clip.mp4", *options]) == 0
    assert studio.controls[0].onsets == ONSETS
    assert studio.controls[0].events == EVENTS

    monkeypatch.setattr(sys, "stdin", io.StringIO((tmp_path / "onsets.json").read_text()))
    assert cli.main(["dub", "clip.mp4", "--onsets", "-"]) == 0
    assert studio.controls[1].onsets == ONSETS


def test_options_change_a_settings_file(studio, tmp_path):
    settings = tmp_path / "take.json"
    settings.write_text(Controls(text="dog barking", seed=3, onsets=ONSETS, temporal_scale=0.5).to_json())
    assert cli.main(["dub", "clip.mp4", "--settings", str(settings), "--temporal-scale", "2"]) == 0
    assert studio.controls == [Controls(text="dog barking", seed=3, onsets=ONSETS, temporal_scale=2.0)]


def test_settings_choose_the_model_and_tell_what_has_changed(studio, tmp_path, capsys):
    settings = tmp_path / "take.json"
    settings.write_text(Controls(text="dog").to_json(model="small", clip_sha256="abc", revision="1"))
    assert cli.main(["dub", "clip.mp4", "--settings", str(settings)]) == 0
    assert studio.model == "small"
    assert "another" not in capsys.readouterr().err

    settings.write_text(Controls(text="dog").to_json(model="small", clip_sha256="xyz", revision="0"))
    assert cli.main(["dub", "clip.mp4", "--settings", str(settings)]) == 0
    said = capsys.readouterr().err
    assert "another clip" in said
    assert "another model" in said


def test_a_bad_file_is_reported_and_the_rest_go_on(studio, capsys):
    assert cli.main(["dub", "bad.mp4", "good.mp4"]) == 2
    output = capsys.readouterr()
    assert output.err.splitlines()[0] == "bad.mp4: This file holds no picture."
    assert [json.loads(line)["clip"] for line in output.out.splitlines()] == ["good.mp4"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["describe", "bad.mp4"], "This file holds no picture."),
        (["dub", "bad.mp4"], "This file holds no picture."),
        (["dub", "clip.mp4", "--onsets", "missing.json"], "There is no file missing.json."),
        (["dub", "clip.mp4", "--events", "missing.txt"], "There is no file missing.txt."),
        (["dub", "clip.mp4", "--settings", "missing.json"], "There is no file missing.json."),
        (["dub", "clip.mp4", "--onsets", "picture.png"], "picture.png cannot be read as text."),
        (["dub", "clip.mp4", "--onsets", "list.json"], 'list.json is not JSON with onsets like {"onsets_s": [0.5]}.'),
        (
            ["dub", "clip.mp4", "--onsets", "latin-1.csv"],
            "latin-1.csv: line 2, column 6, is not written in UTF-8; save the file as UTF-8.",
        ),
    ],
)
def test_errors_are_one_sentence(arguments, sentence, studio, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xff")
    Path("list.json").write_text("[1, 2")
    Path("latin-1.csv").write_bytes("time_s,note\n0.5,T\xfcr\n".encode("latin-1"))
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == sentence + "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--onsets", "soon"],
        ["--takes", "0"],
        ["--loudness", "-100"],
        ["--seed", "-5"],
        ["--seed", "1e3"],
        ["--seed", "0x10"],
        ["--seed", str(2**64)],
        ["--steps", "1e3"],
        ["--steps", "many"],
        ["--guidance", "high"],
        ["--loudness", "loud"],
        ["--onsets", "0,8"],
        ["--unheard-of"],
        ["--text", "a", "--events", "b"],
        ["-nowhere.mp4"],
        ["--range", "6-2"],
        ["--range", "later"],
        ["--fix", "take"],
        ["--fix", "take@2-1"],
        ["--reference-strength", "2"],
    ],
)
def test_values_without_sense_are_refused(arguments, studio, capsys):
    assert cli.main(["dub", "clip.mp4", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "The following arguments are required: COMMAND; see rhythmic-foley --help."),
        (["dub"], "The following arguments are required: CLIP; see rhythmic-foley dub --help."),
        (
            ["dub", "clip.mp4", "--steps", "1e3"],
            '--steps: this must be a whole number, not "1e3"; see rhythmic-foley dub --help.',
        ),
        (
            ["dub", "clip.mp4", "--loudness", "loud"],
            '--loudness: this must be a number of LUFS such as -16, or "off", not "loud"; '
            "see rhythmic-foley dub --help.",
        ),
        (
            ["dub", "clip.mp4", "--seed", "1e3"],
            '"1e3" is not a seed; write a whole number from 0 to 18446744073709551615, or -1 to have one drawn.',
        ),
        (["onsets", "clip.mp4", "--threshold", "7"], "The threshold must be between 0 and 1, not 7."),
        (["onsets", "clip.mp4", "--threshold", "-1"], "The threshold must be between 0 and 1, not -1."),
        (["onsets", "clip.mp4", "--threshold", "nan"], "The threshold must be between 0 and 1, not nan."),
    ],
)
def test_wrong_usage_is_one_sentence(arguments, sentence, studio, capsys):
    assert cli.main(arguments) == 2
    assert capsys.readouterr() == ("", sentence + "\n")
    assert studio.analysed == []


def test_a_clip_whose_name_begins_with_a_dash_is_a_clip(studio, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("-x.mp4").touch()
    assert cli.main(["dub", "-x.mp4", "--steps", "3"]) == 0
    assert studio.analysed[0][0] == "-x.mp4" and studio.controls[0].steps == 3


@pytest.mark.parametrize(("typed", "seed"), [("-1", None), (str(2**64 - 1), 2**64 - 1), ("0", 0)])
def test_seeds_of_other_tools_are_taken(typed, seed, studio):
    assert cli.main(["dub", "clip.mp4", "--seed", typed]) == 0
    assert studio.controls[0].seed == seed


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("take-onsets.csv", "time_s,strength\r\n0.5,1.0\r\n1.25,0.6\r\n", "utf-8"),
        ("excel.csv", "time_s;strength\r\n0,5;1\r\n1,25;0,6\r\n", "utf-8-sig"),
        ("windows.txt", "0.5\r\n1.25@0.6\r\n", "utf-16"),
        ("bom.json", '{"onsets_s": [0.5, 1.25], "strengths": [1.0, 0.6]}', "utf-8-sig"),
    ],
)
def test_onsets_files_are_read_as_people_have_them(name, content, encoding, studio, tmp_path):
    (tmp_path / name).write_bytes(content.encode(encoding))
    assert cli.main(["dub", "clip.mp4", "--onsets", str(tmp_path / name)]) == 0
    assert studio.controls[0].onsets == ONSETS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_sounds_files_are_read_as_people_have_them(encoding, studio, tmp_path):
    (tmp_path / "events.txt").write_bytes("0,0-1,0 knock\r\n1,0- glass\r\n".encode(encoding))
    assert cli.main(["dub", "clip.mp4", "--events", str(tmp_path / "events.txt")]) == 0
    assert studio.controls[0].events == (SoundEvent("knock", "", 0.0, 1.0), SoundEvent("glass", "", 1.0))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ('{"steps": null}', "steps must be a whole number, not null."),
        ('{"steps": "20"}', 'steps must be a whole number, not "20".'),
        ('{"guidance_scale": true}', "guidance_scale must be a number, not true."),
        ('{"text": 5}', "text must be text, not 5."),
        ('{"stems": 1}', "stems must be true or false, not 1."),
        ('{"range_s": [1]}', "range_s must be the start and the end of a stretch in seconds, not [1]."),
        ('{"seed": 1.5}', "seed must be a whole number, not 1.5."),
        (
            '{"onsets": {}}',
            "The settings' onsets cannot be read: Onsets must be a list of seconds like [0.5, 1.25], "
            'or {"onsets_s": [0.5, 1.25]}.',
        ),
        ('{"fix": {}}', 'The settings\' fix cannot be read: it must be an object with "take", "start_s" and "end_s".'),
        ("[]", "These settings cannot be read; use a settings file that a dub has written."),
        ("{", "These settings cannot be read; use a settings file that a dub has written."),
    ],
)
def test_settings_name_the_field_that_is_wrong(settings, sentence, studio, tmp_path, capsys):
    (tmp_path / "take.json").write_text(settings)
    code = cli.main(["dub", "clip.mp4", "--settings", str(tmp_path / "take.json")])
    assert (code, capsys.readouterr().err) == (2, sentence + "\n")


def test_ctrl_c_closes_the_job(studio, capsys):
    studio.interrupt = True
    assert cli.main(["dub", "one.mp4", "two.mp4"]) == 130
    assert studio.closed
    assert len(studio.controls) == 1
    assert capsys.readouterr().err == "Stopped.\n"


def test_app_listens_where_it_is_told(studio, monkeypatch):
    asked = {}
    monkeypatch.setattr("rhythmic_foley.ui.launch", lambda studio, **options: asked.update(options, studio=studio))
    assert cli.main(["app", "--host", "0.0.0.0", "--port", "8123"]) == 0
    assert asked == {"studio": studio, "server_name": "0.0.0.0", "server_port": 8123, "share": False}


def test_app_serves_a_listening_test_without_opening_a_model(monkeypatch, tmp_path):
    asked = {}

    @contextmanager
    def open_test(folder, listens, progress):
        asked.update(folder=folder, listens=listens)
        yield "test"

    monkeypatch.setattr("rhythmic_foley.evaluation.listening.blind_test.open_test", open_test)
    monkeypatch.setattr("rhythmic_foley.ui.listening.launch_listening", lambda test, **o: asked.update(o, test=test))
    monkeypatch.setattr("rhythmic_foley.cli.open_studio", None)
    assert cli.main(["app", "--listening", str(tmp_path), "--listens", "2", "--port", "8123"]) == 0
    assert asked == {
        "folder": tmp_path,
        "listens": 2,
        "test": "test",
        "server_name": None,
        "server_port": 8123,
        "share": False,
    }


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from rhythmic_foley.cli import build_parser; build_parser().format_help();"
        "print([name for name in ('torch', 'gradio', 'diffusers', 'cv2', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def run(toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Runs a command on the toy model, each time with an empty cache, and gives the JSON it prints."""
    monkeypatch.chdir(tmp_path)

    def run_(*arguments: str | Path, code: int = 0) -> dict:
        monkeypatch.setenv("RHYTHMIC_FOLEY_CACHE", str(tmp_path / f"cache-{len(list(tmp_path.iterdir()))}"))
        assert cli.main([*map(str, arguments), "--model", str(toy_model)]) == code
        return json.loads(capsys.readouterr().out or "{}")

    return run_


FAST = ("--source", "model", "--steps", "2")


def test_a_clip_goes_in_and_a_dubbed_clip_comes_out(run, clip, tmp_path):
    found = run("onsets", clip)
    assert found["duration_s"] == pytest.approx(1.0)
    assert len(found["curve"]) == len(found["curve_times_s"]) > 10

    take = run("dub", clip, "--text", "wood knocking", "--onsets", "0.3, 0.7", "--seed", "5", *FAST)
    assert probe(take["video"]).has_audio
    assert read_wav(Path(take["wav"]))[0].shape == (16_000,)
    assert Path(take["mel"]).read_bytes().startswith(b"\x89PNG")
    assert {Path(take[name]).parent for name in ("video", "wav", "mel", "settings")} == {Path("dubs/clip-seed5")}

    again = run("dub", clip, "--settings", take["settings"])
    other = run("dub", clip, "--settings", take["settings"], "--seed", "6")
    assert Path(again["wav"]).read_bytes() == Path(take["wav"]).read_bytes()
    assert Path(other["wav"]).read_bytes() != Path(take["wav"]).read_bytes()


def test_what_describe_prints_can_be_dubbed(run, clip):
    described = run("describe", clip)
    Path("events.json").write_text(json.dumps(described))
    take = run("dub", clip, "--events", "events.json", "--onsets", "", "--steps", "2", "--seed", "0")
    assert json.loads(Path(take["settings"]).read_text())["events"] == described["events"]
    assert take["measured"] is None


def test_refusals_of_the_real_studio(run, tmp_path, clip):
    (tmp_path / "notes.mp4").write_text("not a clip")
    assert run("dub", "notes.mp4", code=2) == {}
    assert run("dub", clip, "--text", "dog", "--source", "model", "--steps", "0", code=2) == {}
    assert list((tmp_path / "dubs").glob("*")) == []


def test_ctrl_c_leaves_nothing_half_written(toy_model, clip, tmp_path):
    out = tmp_path / "dubs"
    arguments = ["dub", clip, "--text", "rain", "--steps", "100", "--takes", "8", "--out", out, "--model", toy_model]
    arguments += ["--source", "model"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rhythmic_foley", *map(str, arguments)],
        env={**os.environ, "RHYTHMIC_FOLEY_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(out.glob("clip-*")):
        time.sleep(0.02)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=120)
    assert (process.returncode, error.splitlines()[-1]) == (130, "Stopped.")
    assert "Traceback" not in error
    takes = list(out.iterdir())
    assert 1 <= len(takes) < 8
    for take in takes:
        assert {path.suffix for path in take.iterdir()} == {".csv", ".json", ".mp4", ".npz", ".png", ".wav"}
    assert {json.loads(line)["name"] for line in output.splitlines()} <= {take.name for take in takes}
