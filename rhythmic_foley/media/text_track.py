"""Put captions into an MP4 as a text track (3GPP TS 26.245, "tx3g") that players can switch on."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from rhythmic_foley.errors import FoleyError

_CLOCK = Fraction(1, 1000)
_MOST_BYTES = 2000
# The encoder wants the style of the letters in this form.
_STYLE = b"""[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, Italic, Underline, Alignment
Style: Default,Sans,18,&Hffffff,&H0,&H0,0,0,0,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class Caption:
    """A text and when it is shown, in seconds of the picture."""

    start_s: float
    end_s: float
    text: str


def write_with_captions(video: Path, captions: Sequence[Caption], out_path: Path, language: str = "eng") -> None:
    """Copy an MP4 that this program has written, picture and sound untouched, with captions as a further track.

    Args:
        captions: in order of time, none overlapping another.

    Raises:
        FoleyError: if there is nothing to write, or the file cannot be read or written.
    """
    if not captions:
        raise FoleyError("Nothing that sounds has a name, so there are no captions to write.")
    try:
        with (
            av.open(str(video.resolve()), options={"protocol_whitelist": "file"}) as source,
            av.open(str(out_path), "w", format="mp4", options={"movflags": "+faststart"}) as out,
        ):
            tracks = [*source.streams.video[:1], *source.streams.audio[:1]]
            copies = {track.index: out.add_stream_from_template(track, opaque=True) for track in tracks}
            text = out.add_stream("mov_text")
            text.time_base = _CLOCK
            text.codec_context.subtitle_header = _STYLE
            text.metadata["language"] = language
            out.start_encoding()
            waiting = (_sample(caption) for caption in captions)  # the muxer ends each by an empty one
            following = next(waiting)
            for packet in source.demux(tracks):
                if packet.dts is None:
                    continue
                while following is not None and following.pts * _CLOCK <= packet.dts * packet.time_base:
                    following = _put(out, text, following, waiting)
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
            while following is not None:
                following = _put(out, text, following, waiting)
    except (OSError, av.error.FFmpegError) as error:
        raise FoleyError(f"{out_path.name} cannot be written with captions ({error}).") from error


def _put(
    out: av.container.OutputContainer, text: av.stream.Stream, packet: av.Packet, waiting: Iterator[av.Packet]
) -> av.Packet | None:
    packet.stream = text
    out.mux(packet)
    return next(waiting, None)


def _sample(caption: Caption) -> av.Packet:
    letters = caption.text.encode()[:_MOST_BYTES].decode(errors="ignore").encode()
    packet = av.Packet(struct.pack(">H", len(letters)) + letters)
    packet.pts = packet.dts = round(caption.start_s / _CLOCK)
    packet.duration = round(caption.end_s / _CLOCK) - packet.pts
    packet.time_base, packet.is_keyframe = _CLOCK, True
    return packet
