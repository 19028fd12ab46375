"""From frames as they are stored to pictures as everything else wants them: progressive, upright, 8 bits, not HDR."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

from rhythmic_foley.media.tone_mapping import is_hdr, to_bt709

_MAX_STRETCH = 4  # of pixels that are not square; the widest films need 2.4
_LEAST_PX = 4  # in both directions, for fields to be told apart


@dataclass(frozen=True)
class Orientation:
    """How a player turns the stored picture: rows and columns swapped, then mirrored (all eight ways to lie)."""

    swap: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Orientation:
        matrix = display_matrix(frame)
        if matrix is None:
            return cls()
        # Stored (x, y) is shown at (a x + c y, b x + d y).
        a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
        swap = abs(b) + abs(c) > abs(a) + abs(d)
        return cls(swap, (b if swap else d) < 0, (c if swap else a) < 0)

    @property
    def rotation(self) -> int:
        """Degrees clockwise; a mirrored picture counts as its turn before mirroring left and right."""
        if self.swap:
            return 270 if self.flip_rows else 90
        return 180 if self.flip_rows else 0

    def displayed_size(self, frame: VideoFrame, stretch: Fraction | None) -> tuple[int, int]:
        """(width, height) as shown, with square pixels; `stretch` is the shape of the stored ones."""
        stretch = stretch or Fraction(1)
        stretch = stretch if 1 / _MAX_STRETCH <= stretch <= _MAX_STRETCH else Fraction(1)
        width, height = max(1, round(frame.width * stretch)), frame.height
        return (height, width) if self.swap else (width, height)

    def apply(self, image: np.ndarray) -> np.ndarray:
        image = image.swapaxes(0, 1) if self.swap else image
        image = image[::-1] if self.flip_rows else image
        image = image[:, ::-1] if self.flip_columns else image
        return np.ascontiguousarray(image)


def display_matrix(frame: VideoFrame) -> list[int] | None:
    """The nine numbers of the display matrix, by rows, if the frame carries one."""
    # `frame.side_data` is kept by the frame that it keeps: whole pictures would pile up until they are collected.
    side_data = SideDataContainer(frame).get(SideDataType.DISPLAYMATRIX)
    return None if side_data is None else np.frombuffer(bytes(side_data), dtype=np.int32).tolist()


def upright_rgb(frame: VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) of that (width, height), HDR tone-mapped; scaled while still as stored, to turn fewer pixels."""
    turn = Orientation.of(frame)
    width, height = size
    stored = (height, width) if turn.swap else (width, height)
    smaller = stored[0] <= frame.width and stored[1] <= frame.height
    interpolation = "AREA" if smaller else "BICUBIC"
    if is_hdr(frame):
        scaled = to_bt709(frame, stored, interpolation).reformat(format="rgb24", threads=1)
    else:
        scaled = frame.reformat(*stored, format="rgb24", interpolation=interpolation, threads=1)
    return turn.apply(scaled.to_ndarray())


def progressive(
    frames: Iterable[tuple[float, VideoFrame]], suspected: bool = False
) -> Iterator[tuple[float, VideoFrame]]:
    """Frames with their times, deinterlaced from the first one on that says that it holds two fields.

    Whether a frame does, and which field comes first, is then seen from the picture itself (FFmpeg's idet), as files
    get it wrong. Each frame becomes one, at the time of its first field (bwdif, motion-adaptive). It comes a little
    late, since the fields before and after it are looked at.

    Args:
        suspected: look at all frames, since the file does not say how they are stored.
    """
    times_s: deque[float] = deque()
    graph, shape = None, None
    for time_s, frame in frames:
        wanted = frame.interlaced_frame or (suspected and not frame.format.is_rgb)
        if (graph is None and not wanted) or frame.width < _LEAST_PX or frame.height < _LEAST_PX:
            yield time_s, frame
            continue
        now = (frame.width, frame.height, frame.format.name)
        if now != shape:
            yield from _rest(graph, times_s)
            graph, shape = _deinterlacer(frame), now
        times_s.append(time_s)
        graph.push(frame)
        yield from _ready(graph, times_s)
    yield from _rest(graph, times_s)


def _deinterlacer(frame: VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1000)
    )
    fields, calm = graph.add("idet"), graph.add("bwdif", "mode=send_frame:deint=interlaced")
    graph.link_nodes(source, fields, calm, graph.add("buffersink"))
    graph.configure()
    return graph


def _ready(graph: Graph, times_s: deque[float]) -> Iterator[tuple[float, VideoFrame]]:
    while times_s:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        yield times_s.popleft(), frame


def _rest(graph: Graph | None, times_s: deque[float]) -> Iterator[tuple[float, VideoFrame]]:
    if graph is not None:
        graph.push(None)
        yield from _ready(graph, times_s)
    times_s.clear()
