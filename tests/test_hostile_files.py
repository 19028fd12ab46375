"""Uploads that refer to other files or to addresses: refused in one sentence, and nothing else is ever touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from clips import make_clip
from hostile import FILES, film_elsewhere, film_with_attachments
from spying import Server, Watch, listening, watched

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.comparison import compare
from rhythmic_foley.media.reading import probe, read_audio, read_frames
from rhythmic_foley.studio.sources import read_samples

READERS: dict[str, Callable[[Path], object]] = {
    "clip": probe,
    "frames": lambda path: next(read_frames(path, 4)),
    "clip's sound": lambda path: read_audio(path, 16_000),
    "sound": read_wav,
    "reference": lambda path: read_samples([path]),
    "comparison": lambda path: compare([("a", path), ("b", path)], path.parent / "compared", 1.0),
}


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good clip that nobody was asked to open."""
    return make_clip(tmp_path_factory.mktemp("secret") / "secret.ts", duration_s=0.5)


@pytest.fixture
def watch(secret: Path) -> Iterator[Watch]:
    with watched(secret) as watch:
        yield watch


@pytest.fixture
def server() -> Iterator[Server]:
    with listening() as server:
        yield server


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".mp3"])
@pytest.mark.parametrize("kind", FILES)
def test_what_only_poses_as_a_clip_opens_nothing(
    tmp_path: Path, secret: Path, watch: Watch, server: Server, kind: str, suffix: str
) -> None:
    path = tmp_path / f"upload{suffix}"
    path.write_bytes(FILES[kind](secret, server.url))
    for name, read in READERS.items():
        with pytest.raises(FoleyError) as caught:
            read(path)
        assert re.fullmatch(r"[^\n]{10,200}\.", str(caught.value)), name
    assert not watch.opened() and server.asked == []


def test_the_traps_work(tmp_path: Path, secret: Path, watch: Watch, server: Server) -> None:
    """FFmpeg as it comes falls for them, and both spies notice."""
    careless = {
        "allowed_extensions": "ALL",
        "extension_picky": "0",
        "protocol_whitelist": "file,http,tcp",
        "safe": "0",
    }
    for kind in ("playlist of a file", "concat script"):
        path = tmp_path / "upload.m3u8"
        path.write_bytes(FILES[kind](secret, server.url))
        with av.open(str(path), options=dict(careless)) as container:
            next(container.demux())
        assert watch.opened(), kind
    path.write_bytes(FILES["playlist of an address"](secret, server.url))
    with pytest.raises(av.error.FFmpegError), av.open(str(path), options=dict(careless)) as container:
        next(container.demux())
    assert server.asked == ["/a.ts"] and not watch.opened()


def test_pictures_that_lie_in_another_file_are_not_fetched(tmp_path: Path, secret: Path, watch: Watch) -> None:
    path = film_elsewhere(tmp_path / "upload.mov", secret)
    for read in (probe, lambda path: list(read_frames(path, 4))):
        try:
            read(path)
        except FoleyError:
            pass
    assert not watch.opened()
    with av.open(str(path), options={"enable_drefs": "1", "use_absolute_path": "1"}):
        assert watch.opened(), "the trap works"


def test_files_inside_a_film_stay_inside(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    film = film_with_attachments(place / "upload.mkv", ("font.ttf", "../../up.ttf", str(tmp_path / "absolute.ttf")))
    assert probe(film).frames == 5
    assert len(list(read_frames(film, 10))) == 5
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [film]
