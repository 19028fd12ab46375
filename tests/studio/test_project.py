"""Project files: what goes in comes out, nothing is half written, and strangers' files do no harm."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from clips import make_clip
from export.made_takes import EVENTS, ONSETS, made_take

from rhythmic_foley import cli
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.runtime import archive
from rhythmic_foley.studio.cli import unpacked_project
from rhythmic_foley.studio.project import Project, open_project, save_project
from rhythmic_foley.studio.takes import read_sound
from rhythmic_foley.values.controls import Controls

CONTROLS = Controls(events=EVENTS, onsets=ONSETS, negative="music", steps=7, seed=5)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "work").mkdir()
    take = made_take(tmp_path / "work")
    hit = tmp_path / "hit.wav"
    hit.write_bytes(take.wav.read_bytes())
    return Project.of(tmp_path / "work" / "clip.mp4", replace(CONTROLS, reference=hit), [take], "Too dry.\nTry again.")


@pytest.mark.parametrize("with_clip", [False, True])
def test_what_goes_in_comes_out(project: Project, tmp_path: Path, with_clip: bool) -> None:
    path = save_project(project, tmp_path / "new" / "film.foley", with_clip=with_clip)
    back = open_project(path, tmp_path / "opened")
    assert (back.clip_name, back.clip_sha256, back.notes) == ("clip.mp4", project.clip_sha256, project.notes)
    assert replace(back.controls, reference=None) == CONTROLS
    assert back.controls.reference.read_bytes() == project.controls.reference.read_bytes()
    (take,), (old,) = back.takes, project.takes
    assert take.controls == old.controls and take.folder.parent.parent == tmp_path / "opened"
    assert [path.name for path in take.stems] == [path.name for path in old.stems]
    assert take.video.read_bytes() == old.video.read_bytes()
    assert (read_sound(take)[0].wave == read_sound(old)[0].wave).all() and read_sound(take)[1] == read_sound(old)[1]
    assert back.the_clip().read_bytes() == project.clip.read_bytes()
    assert back.clip.is_relative_to(tmp_path / "opened") == with_clip


def test_the_clip_is_known_by_its_hash(project: Project, tmp_path: Path) -> None:
    path = save_project(project, tmp_path / "film.foley")
    moved = project.clip.rename(tmp_path / "clip.mp4")  # beside the project
    assert open_project(path, tmp_path / "1").clip == moved
    hidden = moved.rename(tmp_path / "other.mp4")
    lost = open_project(path, tmp_path / "2")
    assert lost.clip is None and len(lost.takes) == 1
    with pytest.raises(FoleyError, match="clip.mp4 is not in the project and not beside it"):
        lost.the_clip()
    assert open_project(path, tmp_path / "3", clip=hidden).clip == hidden
    hidden.rename(tmp_path / "clip.mp4")
    assert open_project(path, tmp_path / "6", look_around=False).clip is None
    make_clip(tmp_path / "clip.mp4", duration_s=0.5)
    assert open_project(path, tmp_path / "4").clip is None  # the name alone is not enough
    with pytest.raises(FoleyError, match="is not the clip of this project"):
        open_project(path, tmp_path / "5", clip=tmp_path / "clip.mp4")
    assert not (tmp_path / "5").exists()


def test_a_save_that_fails_leaves_the_old_file(project: Project, tmp_path: Path, monkeypatch) -> None:
    path = save_project(project, tmp_path / "film.foley")
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(FoleyError, match="No space left on device"):
        save_project(project, path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(FoleyError, match="ends in .foley"):
        save_project(project, tmp_path / "film.zip")


def packed(path: Path, files: dict[str, str | bytes], index: dict | None = None) -> Path:
    """A zip file as a stranger may write it."""
    plain = {
        "format": "rhythmic-foley project",
        "version": 1,
        "clip": {"name": "a.mp4", "sha256": "0", "inside": None, "path": None},
        "controls": {},
        "takes": [],
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("project.json", json.dumps(plain | (index or {})))
        for name, content in files.items():
            out.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:\\evil", "..\\evil", "a//b", "x\x07"])
def test_no_name_leads_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(FoleyError, match="leads out of it"):
        open_project(packed(tmp_path / "a.foley", {name: "x"}), tmp_path / "in" / "out")
    assert not list(tmp_path.rglob("evil")) and not (tmp_path / "in" / "out").exists()


def test_links_and_bombs_are_refused(tmp_path: Path, monkeypatch) -> None:
    link = zipfile.ZipInfo("takes/link")
    link.external_attr = 0o120777 << 16
    path = packed(tmp_path / "link.foley", {})
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(link, "/etc/passwd")
    with pytest.raises(FoleyError, match="leads out of it"):
        open_project(path, tmp_path / "out")
    with pytest.raises(FoleyError, match="200 times its size"):
        open_project(packed(tmp_path / "bomb.foley", {"zeros": bytes(20_000_000)}), tmp_path / "out")
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    with pytest.raises(FoleyError, match="holds 4 files; the limit is 2"):
        open_project(packed(tmp_path / "many.foley", {"a": "", "b": "", "c": ""}), tmp_path / "out")
    monkeypatch.setattr(archive, "MAX_UNPACKED_GB", 1e-6)
    with pytest.raises(FoleyError, match="the limit is"):
        open_project(packed(tmp_path / "large.foley", {"a": "x" * 2000}), tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("index", "part"),
    [
        ({"version": 2}, "newer version"),
        ({"version": "1"}, "no project of this program"),
        ({"format": "film"}, "no project of this program"),
        ({"clip": None}, "lacks something"),
        ({"takes": ["../../etc"]}, "outside of it"),
        ({"takes": ["takes/none"]}, "not the folder of a take"),
        ({"controls": {"steps": "many"}}, "steps must be a whole number"),
        ({"controls": {"reference": "../../etc/passwd"}}, "outside of it"),
        ({"clip": {"name": "a", "sha256": "0", "inside": "/etc/passwd"}}, "outside of it"),
        ({"clip": {"name": "a", "sha256": "0", "inside": "clip/none"}}, "the clip in it is not the one"),
    ],
)
def test_damaged_and_foreign_indexes_are_said(tmp_path: Path, index: dict, part: str) -> None:
    with pytest.raises(FoleyError, match=part):
        open_project(packed(tmp_path / "a.foley", {}, index), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_zip_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.foley").write_bytes(b"PK but no more")
    with pytest.raises(FoleyError, match="is damaged"):
        open_project(tmp_path / "a.foley", tmp_path / "out")
    with pytest.raises(FoleyError, match="no project"):
        open_project(tmp_path / "b.foley", tmp_path / "out")
    good = packed(tmp_path / "c.foley", {"a": "hello " * 999}).read_bytes()
    (tmp_path / "c.foley").write_bytes(good.replace(good[200:210], bytes(10), 1))
    with pytest.raises(FoleyError):
        open_project(tmp_path / "c.foley", tmp_path / "out")


def test_commands_save_and_open(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path, take = tmp_path / "film.foley", project.takes[0]
    words = ["project", "save", str(path), "--clip", str(project.clip), "--takes", str(take.folder), "--notes", "Hm."]
    assert cli.main([*words, "--with-clip"]) == 0
    assert json.loads(capsys.readouterr().out) == {"project": str(path), "takes": 1}
    assert cli.main(["project", "open", str(path), "--out", str(tmp_path / "opened")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["notes"], len(said["takes"]), said["controls"]["seed"]) == ("Hm.", 1, 1)
    assert Path(said["clip"]).is_relative_to(tmp_path / "opened")
    assert cli.main(["project", "open", str(path), "--out", str(tmp_path / "opened")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_take_that_points_elsewhere_is_refused(project: Project, tmp_path: Path) -> None:
    settings = project.takes[0].settings
    said = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps(said | {"reference": "../../../../../../etc/passwd"}))
    path = save_project(project, tmp_path / "film.foley")
    with pytest.raises(FoleyError, match="outside of it"):
        open_project(path, tmp_path / "out")


def test_a_project_is_dubbed_like_its_clip(project: Project, tmp_path: Path) -> None:
    path = save_project(project, tmp_path / "film.foley", with_clip=True)
    args = cli.build_parser().parse_args(["dub", str(path)])
    with unpacked_project(args):
        assert args.clips[0].read_bytes() == project.clip.read_bytes()
        text = Path(args.settings).read_text(encoding="utf-8")
        controls = Controls.from_json(text, Path(args.settings).parent)
        assert controls.reference.read_bytes() == project.controls.reference.read_bytes()
        assert replace(controls, reference=None) == CONTROLS
    for more in (["other.mp4"], ["--settings", "s.json"]):
        with (
            pytest.raises(FoleyError, match="Dub a project alone"),
            unpacked_project(cli.build_parser().parse_args(["dub", str(path), *more])),
        ):
            pass
