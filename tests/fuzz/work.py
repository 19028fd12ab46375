"""What the program does with a clip or a sound that somebody brings, from opening to the file that leaves it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.comparison import compare
from rhythmic_foley.media.muxing import plan_cut, write_cut
from rhythmic_foley.media.reading import mux, probe, read_audio, read_frames
from rhythmic_foley.pipeline.pipeline import VIDEO_RATE_HZ
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.sources import read_samples
from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.ui.timeline.value import timeline_value
from rhythmic_foley.values.results import Analysis

_RATE_HZ = 16_000


def clip_work(name: str, data: bytes, studio: Studio) -> Callable[[Path], None]:
    """Analyse a clip, show it on the timeline, mux a sound to it, cut a range from it."""

    def work(place: Path) -> None:
        clip = place / name
        clip.write_bytes(data)
        try:
            _use(clip, place, studio)
        finally:
            clip.unlink()

    return work


def _use(clip: Path, place: Path, studio: Studio) -> None:
    studio.cache = Cache(place / "out-cache")
    *_, analysis = studio.analyse(clip)
    assert isinstance(analysis, Analysis)
    json.dumps(timeline_value(analysis), allow_nan=False)
    for _ in read_frames(clip, VIDEO_RATE_HZ):  # as large as they are, as a model sees them that looks at the picture
        pass
    sound = read_audio(clip, _RATE_HZ)
    assert sound is None or (np.isfinite(sound).all() and len(sound) < 605 * _RATE_HZ)
    out = place / "out.mp4"
    mux(clip, np.zeros(_RATE_HZ, np.float32), _RATE_HZ, out)
    _check_dub(out, analysis)
    cut = plan_cut(clip, 0.1, 0.4)
    write_cut(clip, cut, place / "out-cut.mp4")


def _check_dub(out: Path, analysis: Analysis) -> None:
    """The dub can be opened by the program itself and is as long as what was promised."""
    try:
        dubbed = probe(out)
    except FoleyError as error:
        raise AssertionError(f"the dub cannot be opened: {error}") from error
    assert abs(dubbed.duration_s - analysis.clip.duration_s) < 0.1, (dubbed, analysis.clip)


def sound_work(data: bytes, suffix: str) -> Callable[[Path], None]:
    """Read a sound as a sample, and compare it with itself."""

    def work(place: Path) -> None:
        path = place / f"out-sound{suffix}"
        path.write_bytes(data)
        compare([("one", path), ("other", path)], place / "out-compared", 2.0)
        read_samples([path])

    return work
