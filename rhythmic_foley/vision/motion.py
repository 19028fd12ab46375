"""When something hits something, seen in the picture: a curve of sudden braking, and onsets picked from it.

A contact takes motion out of a thing within a frame or two: the ball turns round, the stick stops. So the picture is
divided into blocks, each block's velocity is measured by optical flow, and the curve says how large a share of the
velocity just before is gone just after, where most was going on. Nothing is learned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from rhythmic_foley.values.curve import Curve

MAX_RATE_HZ = 30.0

_LONG_SIDE_PX = 192
_MIN_SHORT_SIDE_PX = 48  # the flow's coarsest level needs some pixels in very narrow pictures
_BLOCK_PX = 12
_STRONGEST_BLOCKS = 0.08
_FULL_SPEED = 1.0  # long sides per second; the flow of faster things is not reliable enough to weigh more
# Loss that a clip needs before its curve can reach 1, so that noise is not blown up.
_QUIET_LOSS = 0.5
_NEIGHBOURHOOD_S = 1.5
_STANDSTILL_S = 0.1
_REPEAT_LEVELS = 3
# A cut: more than this share of the picture's 8 x 8 tiles differs by more than so many grey levels, flow taken out.
_CUT_SHARE, _CUT_LEVELS = 0.45, 12


def motion_curve(frames: Iterable[tuple[float, np.ndarray]]) -> Curve:
    """Contact curve of a clip, read as a stream (a few frames are held at a time).

    Any size; best at the clip's own frame rate, where every time is a frame's true time. Above about 30 a second some
    are skipped, and frames that only repeat the one before (a clip read at a higher rate than its own) are left out,
    because they would look like a sudden stop.

    Args:
        frames: (time_s, uint8 (H, W, 3) RGB) in time order.

    Returns:
        The curve, near 1 at the strongest braking. Cuts count as 0.
    """
    return curve_of_steps(steps(frames))


def curve_of_steps(found: Iterable[Step]) -> Curve:
    """The curve of `motion_curve` from what moves between the frames."""
    times_s: list[float] = []
    losses: list[float] = []
    # A contact between two frames shows in full as the difference between the interval before and the one after (its
    # own interval's velocity is part before, part after). Comparing those two therefore puts the peak on the right
    # interval, and the values of its neighbours say where in it the contact lies: `_vertex_s` reads that off.
    recent: deque[Step] = deque(maxlen=3)
    for step in found:
        times_s.append(step.middle_s)
        losses.append(0.0)
        recent.append(step)
        if len(recent) == 3 and not any(item.is_cut for item in recent):
            lost = motion_lost(recent[0], recent[2])
            count = max(1, round(_STRONGEST_BLOCKS * lost.size))
            losses[-2] = float(np.partition(lost, -count, axis=None)[-count:].mean())
    times = np.asarray(times_s, dtype=np.float64)
    return Curve(times, _normalised(times, np.asarray(losses, dtype=np.float64)))


def _distinct_greys(frames: Iterable[tuple[float, np.ndarray]]) -> Iterator[tuple[float, np.ndarray]]:
    """Small grey frames, at most `MAX_RATE_HZ`; short runs of repeats are dropped, a real standstill is kept."""
    # The slack lets uneven time stamps of a clip at the limit pass.
    min_step_s = 0.8 / MAX_RATE_HZ
    last, last_s, changed_s = None, -np.inf, 0.0
    waiting_s: list[float] = []
    for time_s, frame in frames:
        if time_s - last_s < min_step_s:
            continue
        grey, last_s = _small_grey(frame), time_s
        if last is None or cv2.absdiff(grey, last).max() > _REPEAT_LEVELS:
            waiting_s.clear()
            last, changed_s = grey, time_s
            yield time_s, grey
            continue
        waiting_s.append(time_s)
        if time_s - changed_s >= _STANDSTILL_S:
            for still_s in waiting_s:
                yield still_s, last
            waiting_s.clear()


def _small_grey(frame: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> uint8 (h, w), the longer side `_LONG_SIDE_PX`."""
    height, width = frame.shape[:2]
    scale = _LONG_SIDE_PX / max(height, width)
    size = (max(_MIN_SHORT_SIDE_PX, round(width * scale)), max(_MIN_SHORT_SIDE_PX, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.cvtColor(cv2.resize(np.ascontiguousarray(frame), size, interpolation=way), cv2.COLOR_RGB2GRAY)


@dataclass(frozen=True)
class Step:
    """From one frame to the next, in blocks.

    Attributes:
        start_s: time of the first frame; `end_s` of the second.
        velocity: (rows, columns, 2) in the picture's longer sides per second, the camera's taken off.
        speed: (rows, columns) mean length of the velocity, which does not cancel within a block.
        camera: (2,) velocity of most of the picture.
        change: (rows, columns) mean difference in grey levels, what the camera's motion makes taken off.
        brighter: (rows, columns) mean of the second frame's grey levels minus that of the first.
        is_cut: the second frame is of another shot.
    """

    start_s: float
    end_s: float
    velocity: np.ndarray
    speed: np.ndarray
    camera: np.ndarray
    change: np.ndarray
    brighter: np.ndarray
    is_cut: bool

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def steps(frames: Iterable[tuple[float, np.ndarray]]) -> Iterator[Step]:
    """What moves between successive frames; see `motion_curve` for which frames count."""
    return _steps(_distinct_greys(frames))


def _steps(greys: Iterable[tuple[float, np.ndarray]]) -> Iterator[Step]:
    flow_of = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    before = None
    for time_s, grey in greys:
        if before is not None:
            before_s, before_grey = before
            flow = flow_of.calc(before_grey, grey, None)
            camera = np.median(flow[::4, ::4], axis=(0, 1))
            own = flow - camera
            scale = 1 / (_LONG_SIDE_PX * (time_s - before_s))
            yield Step(
                start_s=before_s,
                end_s=time_s,
                velocity=_block_means(own) * scale,
                speed=_block_means(cv2.magnitude(own[..., 0], own[..., 1])) * scale,
                camera=camera * scale,
                change=_change(before_grey, grey, camera),
                brighter=_block_means(grey) - _block_means(before_grey),
                is_cut=_is_cut(before_grey, grey, flow),
            )
        before = (time_s, grey)


def _block_means(picture: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, C) -> float32 (rows, columns) or (rows, columns, C)."""
    rows, columns = picture.shape[0] // _BLOCK_PX, picture.shape[1] // _BLOCK_PX
    whole = picture[: rows * _BLOCK_PX, : columns * _BLOCK_PX].astype(np.float32, copy=False)
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)


def _change(before: np.ndarray, after: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Block means (rows, columns) of the difference, the second frame moved back by the camera's (x, y) in pixels."""
    if np.abs(camera).max() > 0.1:
        back = np.float32([[1, 0, camera[0]], [0, 1, camera[1]]])
        size = before.shape[::-1]
        # What came into the picture only now has nothing to be compared with: the first frame stays there.
        way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        after = cv2.warpAffine(after, back, size, before.copy(), way, cv2.BORDER_TRANSPARENT)
    return _block_means(cv2.absdiff(before, after))


def motion_lost(before: Step, after: Step) -> np.ndarray:
    """How much motion each block (rows, columns) loses from one step to a later one; swapped, how much it gains.

    A block's loss is the share of its velocity that is gone (0..2: at 2 it goes back as fast as it came; a start loses
    nothing) times the mean, a geometric one, of its speed and its change in grey levels. The two vouch for each other:
    flow that nothing visible supports weighs little, and so does flicker that does not move.
    """
    speed = np.linalg.norm(before.velocity, axis=-1) + 1e-3
    share = ((before.velocity - after.velocity) * before.velocity).sum(axis=-1) / speed**2
    return np.clip(share, 0.0, 2.0) * np.sqrt(np.minimum(speed, _FULL_SPEED) * before.change)


def _is_cut(before: np.ndarray, after: np.ndarray, flow: np.ndarray) -> bool:
    """True if most of the second frame is another picture, which moving the first one does not explain."""
    plain = cv2.absdiff(before, after)
    if plain.mean() < _CUT_SHARE * _CUT_LEVELS:
        return False
    rows, columns = np.indices(before.shape, dtype=np.float32)
    there = (columns + flow[..., 0], rows + flow[..., 1])
    undone = cv2.remap(after, *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    unexplained = np.minimum(plain, cv2.absdiff(before, undone)).astype(np.float32)
    return (cv2.resize(unexplained, (8, 8), interpolation=cv2.INTER_AREA) > _CUT_LEVELS).mean() > _CUT_SHARE


def _normalised(times_s: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """0 at the clip's usual level, 1 at its strong hits; the root, so that soft hits show.

    What counts as strong is taken half from the whole clip and half from the seconds around, so that a quiet passage
    has its hits too, but lower ones. A rare outlier does not make everything else small.
    """
    if not losses.size:
        return losses
    usual, strong, strongest = np.quantile(losses, (0.5, 0.99, 1.0))
    around = np.empty_like(losses)
    starts = np.searchsorted(times_s, times_s - _NEIGHBOURHOOD_S)
    ends = np.searchsorted(times_s, times_s + _NEIGHBOURHOOD_S)
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        around[index] = np.quantile(losses[start:end], 0.97)
    full = np.sqrt(max(min(strongest, 2 * strong), _QUIET_LOSS) * np.maximum(around, _QUIET_LOSS / 2))
    low = np.sqrt(np.minimum(usual, full / 2))
    return np.clip((np.sqrt(losses) - low) / (np.sqrt(full) - low), 0.0, 1.0)
