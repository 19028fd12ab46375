"""The commands `rhythmic-foley project save` and `project open`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhythmic_foley.studio.project import Project


def add_project_commands(commands: Any) -> None:
    """Add what writes and unpacks project files."""
    project = commands.add_parser("project", help="keep a clip's sounds, onsets and takes in one file")
    actions = project.add_subparsers(title="actions", metavar="ACTION", required=True)
    save = actions.add_parser("save", help="write a .foley file")
    save.add_argument("project", type=Path, metavar="PROJECT.foley")
    save.add_argument("--clip", type=Path, required=True, metavar="CLIP")
    save.add_argument("--takes", type=Path, nargs="+", default=[], metavar="TAKE", help="folders of takes")
    save.add_argument("--settings", type=Path, metavar="FILE", help="what is asked now (the last take's settings)")
    save.add_argument("--notes", default="", metavar="TEXT", help="your own words")
    save.add_argument("--with-clip", action="store_true", help="put the clip inside; else it is found by its hash")
    save.set_defaults(run=_save)
    opened = actions.add_parser("open", help="unpack a .foley file and say what it holds, as JSON")
    opened.add_argument("project", type=Path, metavar="PROJECT.foley")
    opened.add_argument("--out", type=Path, metavar="DIR", help="a new folder (PROJECT)")
    opened.add_argument("--clip", type=Path, metavar="CLIP", help="where the clip lies now")
    opened.set_defaults(run=_open)


def _save(args: argparse.Namespace) -> None:
    from rhythmic_foley.studio.project import Project, save_project
    from rhythmic_foley.studio.takes import read_take
    from rhythmic_foley.values.controls import Controls

    takes = [read_take(folder) for folder in args.takes]
    controls = takes[-1].controls if takes else Controls()
    if args.settings is not None:
        controls = Controls.from_json(_text(args.settings), args.settings.parent)
    project = Project.of(args.clip, controls, takes, args.notes)
    save_project(project, args.project, with_clip=args.with_clip)
    print(json.dumps({"project": str(args.project), "takes": len(takes)}), flush=True)


def _open(args: argparse.Namespace) -> None:
    from rhythmic_foley.studio.project import open_project

    project = open_project(args.project, args.out or args.project.with_suffix(""), clip=args.clip)
    if project.clip is None:
        print(f"The clip {project.clip_name} was not found; name it with --clip.", file=sys.stderr, flush=True)
    print(json.dumps(as_json(project), indent=2, ensure_ascii=False), flush=True)


def as_json(project: Project) -> dict[str, Any]:
    """What command line and API say about a project."""
    return {
        "clip": project.clip and str(project.clip),
        "clip_name": project.clip_name,
        "clip_sha256": project.clip_sha256,
        "controls": json.loads(project.controls.to_json()),
        "takes": [str(take.folder) for take in project.takes],
        "notes": project.notes,
    }


@contextmanager
def unpacked_project(args: argparse.Namespace) -> Iterator[None]:
    """Put clip and settings of a project where its name stood among the clips to dub, for that time.

    Raises:
        FoleyError: if there are several, or settings besides.
    """
    from rhythmic_foley.errors import FoleyError
    from rhythmic_foley.studio.project import SUFFIX, open_project

    projects = [path for path in args.clips if path.suffix.lower() == SUFFIX]
    if not projects:
        yield
        return
    if len(args.clips) > 1 or args.settings is not None:
        raise FoleyError("Dub a project alone: without other clips, and without --settings, since it has its own.")
    with TemporaryDirectory() as place:
        project = open_project(projects[0], Path(place, "project"))
        args.clips, args.settings = [project.the_clip()], str(Path(place, "settings.json"))
        Path(args.settings).write_text(project.controls.to_json(Path(place)), encoding="utf-8")
        yield


def _text(path: Path) -> str:
    from rhythmic_foley.errors import FoleyError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise FoleyError(f"{path} cannot be read as text.") from None
