"""The MCP server, asked by the official client."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from ui.fake_studio import FakeStudio

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.integrations.mcp_server import build_server

mcp = pytest.importorskip("mcp")


def asked(server: Any, *calls: tuple[str, dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The server's tools, and what it answers to calls."""

    async def talk() -> tuple[list[Any], list[Any]]:
        async with mcp.Client(server) as client:
            tools = (await client.list_tools()).tools
            return tools, [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(talk())


def test_a_clip_is_analysed_dubbed_and_exported(clip: Path, tmp_path: Path) -> None:
    studio = FakeStudio()
    server = build_server(lambda: studio, tmp_path)
    dub = {"clip": str(clip), "text": "drum", "onsets_s": [0.3, 0.8], "negative": "music", "seed": 5, "stems": True}
    tools, (analysis, take) = asked(server, ("analyse", {"clip": str(clip)}), ("dub", dub))
    assert {tool.name for tool in tools} == {"analyse", "dub", "export"}
    assert all(tool.description for tool in tools)
    assert analysis.structured_content["events"][0]["label"] == "dog barking"
    made = take.structured_content
    assert Path(made["video"]).is_file() and made["seed"] == 5
    (controls,) = studio.requests
    assert (controls.text, controls.negative, controls.onsets.times_s) == ("drum", "music", (0.3, 0.8))
    export = {"take": made["take"], "formats": ["wav", "stems"], "delivery": "podcast", "rate_hz": 44_100}
    _, (done,) = asked(server, ("export", export | {"timecode": "01:00:00:00"}))
    assert Path(done.structured_content["files"]["wav"]).is_file()
    assert done.structured_content["timecode"] == "01:00:00:00"


def test_what_goes_wrong_is_a_sentence(tmp_path: Path) -> None:
    server = build_server(FakeStudio, tmp_path)
    _, answers = asked(
        server, ("analyse", {"clip": "none.mp4"}), ("export", {"take": str(tmp_path), "formats": ["wav"]})
    )
    assert all(answer.is_error for answer in answers)
    assert "There is no file named none.mp4" in answers[0].content[0].text
    assert "is not the folder of a take" in answers[1].content[0].text


def test_the_missing_package_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(FoleyError, match=r"install rhythmic-foley\[mcp\]"):
        build_server(FakeStudio, tmp_path)
