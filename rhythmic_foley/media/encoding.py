"""The picture of a clip encoded anew as H.264, which every player shows: each frame at its own time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, takewhile

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame

from rhythmic_foley.media.container import OpenClip, decoded_frames
from rhythmic_foley.media.pictures import display_matrix
from rhythmic_foley.media.timeline import Span
from rhythmic_foley.media.tone_mapping import is_hdr, to_bt709

ENCODER_THREADS = 2
BT_709 = 1  # the number of these colours in every one of the three tables
_REENCODE_CLOCK = Fraction(1, 90_000)


def add_encoded(out: OutputContainer, clip: OpenClip) -> av.VideoStream:
    """A stream of H.264 that takes the clip's frames at their own times, and shows them turned as the clip does."""
    source, rate = clip.video.codec_context, Fraction(clip.frame_rate).limit_denominator(1001)
    # In MP4 only the last frame in the order of coding can say how long it stays; without B-frames that is the last.
    video = out.add_stream("libx264", rate=rate, options={"preset": "fast", "crf": "18", "bf": "0"})
    video.width, video.height = max(2, source.width // 2 * 2), max(2, source.height // 2 * 2)  # H.264 wants even sizes
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = _REENCODE_CLOCK
    video.codec_context.thread_count = ENCODER_THREADS
    video.codec_context.sample_aspect_ratio = clip.video.sample_aspect_ratio or Fraction(1)
    first = next(decoded_frames(clip))[1]
    for name in ("colorspace", "color_primaries", "color_trc"):
        setattr(video.codec_context, name, BT_709 if _becomes_bt709(first) else getattr(source, name))
    video.set_display_matrix(display_matrix(first))
    return video


def _becomes_bt709(frame: VideoFrame) -> bool:
    """Whether a frame's colours are converted when it is encoded: HDR, and RGB, which has no matrix to keep."""
    return is_hdr(frame) or frame.format.is_rgb


def _as_encoded(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """A frame as H.264 gets it: YUV 4:2:0 of 8 bits, limited range."""
    colours = "ITU709" if _becomes_bt709(frame) else None
    if is_hdr(frame):
        frame = to_bt709(frame, (width, height))
    return frame.reformat(width, height, format="yuv420p", dst_colorspace=colours, dst_color_range="MPEG", threads=1)


def encoded_packets(video: av.VideoStream, clip: OpenClip, span: Span) -> Iterator[av.Packet]:
    """Every frame encoded at its own time; one is held back, since its length shows only when the next one comes."""
    lengths: dict[int, int] = {}
    held: VideoFrame | None = None

    def with_lengths(packets: list[av.Packet]) -> Iterator[av.Packet]:
        for packet in packets:
            packet.duration = lengths.pop(packet.pts)
            yield packet

    start_s, end_s = clip.timeline.seconds(span.first), clip.timeline.seconds(span.end)
    until_end = takewhile(lambda item: item[0] < end_s, decoded_frames(clip, from_s=start_s))
    inside = (item for item in until_end if item[0] >= start_s)
    for time_s, frame in chain(inside, [(end_s, None)]):
        # What is seen first is seen from the start, also where a damaged file's first pictures are missing.
        tick = round((time_s - start_s) / _REENCODE_CLOCK) if held is not None else 0
        if held is not None:
            if tick <= held.pts:  # damaged files repeat times, which an encoder refuses
                continue
            lengths[held.pts] = tick - held.pts
            yield from with_lengths(video.encode(held))
        if frame is not None:
            held = _as_encoded(frame, video.width, video.height)
            held.pts, held.time_base, held.pict_type = tick, _REENCODE_CLOCK, 0
    yield from with_lengths(video.encode(None))
