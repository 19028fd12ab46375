"""pictures: interlaced film becomes progressive, frame by frame and in time, in every way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from odd_clips import FPS, INTERLACED, interlaced, moving_box, write_odd_clip

from rhythmic_foley.media.reading import mux, probe, read_frames, read_key_frames

SIZE = (192, 96)


def combing(image: np.ndarray) -> float:
    """How much each line differs from both its neighbours in the same direction: edges do not, combs do."""
    lines = image.astype(float).mean(axis=2)
    above, below = lines[1:-1] - lines[:-2], lines[1:-1] - lines[2:]
    return float(np.where(np.sign(above) == np.sign(below), np.minimum(np.abs(above), np.abs(below)), 0).mean())


def twins(folder: Path) -> tuple[Path, Path]:
    """A box that runs: interlaced, and the same film progressive."""
    moments = moving_box(2 * FPS, SIZE, fps=2 * FPS)
    film = write_odd_clip(folder / "film.mkv", interlaced(moments), **INTERLACED)
    calm = {**INTERLACED, "options": {"b": "6M", "profile": "0"}}
    return film, write_odd_clip(folder / "progressive.mkv", moments[::2], **calm)


def test_frames_come_deinterlaced_and_in_time(tmp_path: Path) -> None:
    film, progressive = twins(tmp_path)
    assert probe(film).interlaced and not probe(progressive).interlaced
    seen, wanted = (list(read_frames(path, FPS)) for path in (film, progressive))
    assert [time_s for time_s, _ in seen] == [time_s for time_s, _ in wanted]
    stored = np.mean([combing(image) for image in interlaced(moving_box(2 * FPS, SIZE, fps=2 * FPS))])
    combs = np.mean([combing(image) for _, image in seen])
    assert combs < 0.35 * stored, f"{combs:.2f} of {stored:.2f}"
    error = np.mean([np.abs(a.astype(float) - b).mean() for (_, a), (_, b) in zip(seen, wanted, strict=True)])
    assert error < 3, "the box is where it is in the progressive film"


def test_a_part_and_thumbnails_are_deinterlaced(tmp_path: Path) -> None:
    film, _ = twins(tmp_path)
    whole = dict(read_frames(film, FPS))
    part = dict(read_frames(film, FPS, start_s=0.4, end_s=0.6))
    assert len(part) == 5
    (thumbnail,) = read_key_frames(film, [0.0], SIZE)
    assert combing(thumbnail) < 1.0
    for time_s, image in part.items():
        nearest = min(whole, key=lambda other: abs(other - time_s))
        assert np.abs(whole[nearest].astype(float) - image).mean() < 1.0


def test_a_film_that_is_encoded_anew_is_deinterlaced(tmp_path: Path) -> None:
    film, _ = twins(tmp_path)
    report = mux(film, np.zeros(48_000, np.float32), 48_000, tmp_path / "out.mp4")
    assert not report.copied and report.note.endswith("; it was deinterlaced.")
    before, after = probe(film), probe(tmp_path / "out.mp4")
    assert not after.interlaced and (after.frames, after.duration_s) == (before.frames, before.duration_s)
    same = [
        np.abs(a.astype(float) - b).mean()
        for (_, a), (_, b) in zip(read_frames(film, FPS), read_frames(tmp_path / "out.mp4", FPS), strict=True)
    ]
    assert np.mean(same) < 3


@pytest.mark.parametrize("first_line", [0, 1])
def test_fields_that_a_capture_does_not_mention_are_seen(tmp_path: Path, first_line: int) -> None:
    """Whichever field comes first; the same film without fields stays as it is."""
    moments = moving_box(2 * FPS, SIZE, fps=2 * FPS)
    frames = [first.copy() for first in moments[::2]]
    for frame, second in zip(frames, moments[1::2], strict=True):
        frame[1 - first_line :: 2] = second[1 - first_line :: 2]
    options = {"codec": "ffv1", "pixel_format": "yuv444p"}
    film = write_odd_clip(tmp_path / "film.mkv", frames, **options)
    seen = [image.astype(float) for _, image in read_frames(film, FPS)]
    assert len(seen) == FPS
    # Where nothing moves nothing can be seen, as at the beginning.
    assert np.mean([combing(image) for image in seen[2:]]) < 0.1 * np.mean([combing(frame) for frame in frames])
    assert np.mean([np.abs(a - b).mean() for a, b in zip(seen, moments[::2], strict=True)]) < 3
    calm = write_odd_clip(tmp_path / "calm.mkv", moments[::2], **options)
    differences = [
        np.abs(image - moment.astype(float)).max()
        for (_, image), moment in zip(read_frames(calm, FPS), moments[::2], strict=True)
    ]
    assert np.max(differences) <= 3


def test_one_interlaced_frame(tmp_path: Path) -> None:
    film = write_odd_clip(tmp_path / "film.mkv", interlaced(moving_box(2, SIZE)), **INTERLACED)
    assert len(list(read_frames(film, FPS))) == 1
