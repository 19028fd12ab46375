"""An MCP server (Model Context Protocol) with which an assistant analyses, dubs and exports clips on this machine.

It needs `rhythmic-foley[mcp]`. Tools take and give paths of files; they run one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from rhythmic_foley.studio.studio import Studio

_ABOUT = (
    "Rhythmic Foley gives silent video a soundtrack in time with the picture. Analyse a clip to see what sounds and "
    "when; dub it, with those proposals or with your own; export a take for editing programs."
)


def build_server(open_studio: Callable[[], Studio], out_dir: Path) -> MCPServer:
    """The server with its three tools.

    Args:
        open_studio: called once, at the first use.
        out_dir: where takes go.

    Raises:
        FoleyError: if the package `mcp` is not installed.
    """
    from importlib import import_module

    try:
        server = import_module("mcp.server").MCPServer("rhythmic-foley", instructions=_ABOUT)
    except ImportError:
        raise FoleyError("The MCP server needs the package mcp; install rhythmic-foley[mcp].") from None
    tools = Tools(open_studio, out_dir)
    for tool in (tools.analyse, tools.dub, tools.export):
        server.add_tool(tool)
    return server


class Tools:
    """What an assistant may ask."""

    def __init__(self, open_studio: Callable[[], Studio], out_dir: Path) -> None:
        self._open, self._out_dir, self._turn = open_studio, out_dir, Lock()
        self._studio: Studio | None = None

    def analyse(self, clip: str) -> dict[str, Any]:
        """Say what sounds in a video clip, and when something hits.

        Args:
            clip: path of the video file.
        """
        with self._working() as studio:
            analysis = _last(studio.analyse(Path(clip)))
            from rhythmic_foley.studio.dub_plan import likeliest_events

            events, note = likeliest_events(analysis)
            return {
                "duration_s": analysis.clip.duration_s,
                "events": [asdict(event) for event in events],
                "suggestions": [asdict(suggestion) for suggestion in analysis.suggestions],
                "onsets_s": list(analysis.onsets.times_s),
                "strengths": list(analysis.onsets.strengths),
                "notes": [*analysis.notes, *([note] if note else [])],
            }

    def dub(
        self,
        clip: str,
        text: str | None = None,
        onsets_s: list[float] | None = None,
        negative: str = "",
        seed: int | None = None,
        stems: bool = False,
    ) -> dict[str, Any]:
        """Give a video clip a soundtrack in time with the picture. What is left out is proposed from the picture.

        Args:
            clip: path of the video file.
            text: what sounds, in plain English words.
            onsets_s: when something hits, in seconds; [] for nowhere.
            negative: what should not be heard.
            seed: the same seed gives the same sound.
            stems: also make each event's sound alone.
        """
        from rhythmic_foley.values.onsets import Onsets

        with self._working() as studio:
            controls = replace(
                studio.defaults,
                text=text or None,
                onsets=None if onsets_s is None else Onsets.of(onsets_s),
                negative=negative,
                seed=seed,
                stems=stems,
            )
            analysis = _last(studio.analyse_for(Path(clip), controls))
            take = _last(studio.dub(analysis, controls, self._out_dir))
            return {
                "take": str(take.folder),
                "video": str(take.video),
                "sound": str(take.wav),
                "seed": take.seed,
                "measured": take.measured and asdict(take.measured),
                "notes": list(take.notes),
            }

    def export(
        self,
        take: str,
        formats: list[str] | None = None,
        delivery: str = "as-is",
        rate_hz: int = 48_000,
        timecode: str | None = None,
    ) -> dict[str, Any]:
        """Write a take for editing programs.

        Args:
            take: the take's folder, as `dub` says it.
            formats: any of wav, flac, mp3, stems, video, captioned, srt, vtt, cues, audacity, midi, reaper, otio.
            delivery: as-is, ebu-r128, atsc-a85, netflix, streaming or podcast.
            rate_hz: 48000 or 44100.
            timecode: of the first frame, such as 01:00:00:00.
        """
        from rhythmic_foley.export.cutting_room import ExportRequest, export_take
        from rhythmic_foley.studio.takes import read_take

        with self._turn, _errors_for_assistants():
            request = ExportRequest(tuple(formats or ("wav",)), delivery, rate_hz, timecode)
            return export_take(read_take(take), request).as_json()

    @contextmanager
    def _working(self) -> Iterator[Studio]:
        with self._turn, _errors_for_assistants():
            if self._studio is None:
                self._studio = self._open()
            yield self._studio


@contextmanager
def _errors_for_assistants() -> Iterator[None]:
    """A sentence reaches the assistant as such; anything else stays a fault of the server."""
    from importlib import import_module

    try:
        yield
    except FoleyError as error:
        raise import_module("mcp.server.mcpserver.exceptions").ToolError(str(error)) from None


def _last(job: Iterable[Any]) -> Any:
    *_, result = job
    return result
