"""What programs may ask of takes that a dub has made."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr
import pytest
from ui.fake_studio import FakeStudio

from rhythmic_foley.ui.api import Endpoints
from rhythmic_foley.ui.export_api import ExportEndpoints
from rhythmic_foley.ui.handlers import Studios
from rhythmic_foley.ui.layout import build_app
from rhythmic_foley.ui.sessions import Visits


@pytest.fixture
def visits(tmp_path: Path) -> Visits:
    return Visits(tmp_path / "visits")


@pytest.fixture
def take(clip: Path, visits: Visits) -> str:
    """Id of a take that was dubbed through the API."""
    *_, (_, _, _, about) = Endpoints(Studios(FakeStudio()), visits).dub(str(clip), seed=3, onsets=[0.3, 0.8])
    return about["takes"][0]["id"]


def test_a_dubbed_take_is_exported_by_its_id(take: str, visits: Visits) -> None:
    files, about = ExportEndpoints(visits).export(take, ["wav", "midi"], "ebu-r128", 44_100, "10:00:00:00")
    assert sorted(Path(path).suffix for path in files) == [".mid", ".wav"]
    assert about["timecode"] == "10:00:00:00" and about["measured"]["wav"]["true_peak_dbtp"] <= -1
    json.dumps(about)


def test_projects_go_out_and_in(take: str, visits: Visits, clip: Path) -> None:
    there = ExportEndpoints(visits)
    path, about = there.save_project(str(clip), [take], "Hm.")
    assert about == {"takes": 1}
    kept, said = there.open_project(path)
    assert Path(kept).read_bytes() == clip.read_bytes()
    assert (said["notes"], said["clip"], said["controls"]["seed"]) == ("Hm.", None, 3)
    files, _ = there.export(said["takes"][0])
    assert Path(files[0]).suffix == ".wav"


def test_nobody_reaches_another_folder(take: str, visits: Visits, tmp_path: Path) -> None:
    key = take.partition("/")[0]
    for name in ("", key, f"{key}/", f"{key}/..", f"{key}/../{key}", "../x", f"{key}/none", "0" * 32 + "/x", None):
        with pytest.raises(gr.Error, match="no take of that id"):
            ExportEndpoints(visits).export(name)
    with pytest.raises(gr.Error, match="Name a project file"):
        ExportEndpoints(visits).open_project("")


def test_the_page_offers_the_endpoints() -> None:
    names = {fn.api_name for fn in build_app(FakeStudio()).fns.values() if fn.api_visibility == "public"}
    assert names == {"analyse", "dub", "export", "save_project", "open_project"}
