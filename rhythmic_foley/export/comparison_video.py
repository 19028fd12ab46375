"""A comparison reel: the clip with one sound after the other, over their mels with a moving playhead, as one video."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from rhythmic_foley.audio.channels import to_mono
from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.mel_images import mel_pixels
from rhythmic_foley.audio.signal import fit_length, resample
from rhythmic_foley.audio.wav import read_wav_channels
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.output import prepare_mp4
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.values.onsets import Onsets

if TYPE_CHECKING:
    from moviepy import VideoClip

MAX_TRACKS, MAX_CLIP_S = 4, 60.0
_WIDTH, _HEIGHT = 1280, 720
_MOST_FPS = 30.0
_RATE_HZ = 48_000
_MARGIN_PX, _LABEL_PX = 24, 30
_MEL_PX = {1: 190, 2: 120, 3: 84, 4: 64}  # height of a mel, by how many there are
_GROUND, _INK, _QUIET_INK, _PLAYHEAD = (18, 18, 22), (245, 245, 245), (150, 150, 155), (255, 255, 255)
_ONSET = (79, 216, 255)
_LONGEST_LABEL = 80


def comparison_reel(
    clip: Path,
    tracks: Sequence[tuple[str, Path]],
    out: Path,
    onsets: Onsets | None = None,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Writes an MP4 (H.264, AAC) that plays the clip once with each sound.

    Args:
        clip: whose picture is seen.
        tracks: label and sound file of one to four sounds.
        onsets: marked in every mel.
        progress: told the share that is done after each picture; what it raises ends the work.

    Raises:
        FoleyError: if there are too many sounds, the clip is too long, or a file cannot be read or written.
    """
    from moviepy import AudioArrayClip, VideoClip, concatenate_videoclips

    if not 1 <= len(tracks) <= MAX_TRACKS:
        raise FoleyError(f"A reel takes one to {MAX_TRACKS} sounds, not {len(tracks)}.")
    prepare_mp4(out, clip)
    info = probe(clip)
    if info.duration_s > MAX_CLIP_S + 1:
        raise FoleyError(f"A reel takes clips of up to {MAX_CLIP_S:g} s; dub a range of this one and compare that.")
    sounds = [_sound(path, info.duration_s) for _, path in tracks]
    layout = _Layout(info.width / info.height, len(tracks))
    mels = [_mel(sound, layout.mel_size) for sound in sounds]
    fps = min(info.fps, _MOST_FPS)
    frames = max(1, round(info.duration_s * fps))

    def scene(number: int) -> VideoClip:
        ground = layout.draw([label for label, _ in tracks], mels, number, onsets or Onsets(), info.duration_s)
        images = _Pictures(read_frames(clip, fps, layout.picture_size))

        def frame(time_s: float) -> np.ndarray:
            index = min(frames - 1, round(time_s * fps))
            if progress is not None and index:  # the first one is also asked for beforehand, for its size
                progress((number * frames + index + 1) / (len(tracks) * frames))
            return layout.frame(ground, images.at(index), index / frames)

        return VideoClip(frame, duration=frames / fps).with_audio(AudioArrayClip(sounds[number], fps=_RATE_HZ))

    whole = concatenate_videoclips([scene(number) for number in range(len(tracks))])
    _write(whole, out, fps)
    return out


def _write(whole: VideoClip, out: Path, fps: float) -> None:
    part = out.with_name(f".{uuid.uuid4().hex}.part.mp4")
    try:
        whole.write_videofile(
            str(part),
            fps=fps,
            codec="libx264",
            audio_codec="aac",
            audio_fps=_RATE_HZ,
            preset="veryfast",
            threads=2,
            ffmpeg_params=["-crf", "20", "-movflags", "+faststart"],
            temp_audiofile=str(part.with_suffix(".m4a")),
            logger=None,
        )
        os.replace(part, out)
    except OSError as error:
        raise FoleyError(f"{out.name} cannot be written; check the folder and its free space.") from error
    finally:
        part.unlink(missing_ok=True)
        part.with_suffix(".m4a").unlink(missing_ok=True)
        whole.close()


@dataclass(frozen=True)
class _Layout:
    """Where picture and mels lie on the reel: the picture above, the mels in rows below."""

    aspect: float
    rows: int

    @property
    def mel_size(self) -> tuple[int, int]:
        return _WIDTH - 2 * _MARGIN_PX, _MEL_PX[self.rows]

    @property
    def _room_px(self) -> int:
        """Height that the rows leave to the picture."""
        return _HEIGHT - self.rows * (_LABEL_PX + self.mel_size[1]) - _MARGIN_PX

    @property
    def picture_size(self) -> tuple[int, int]:
        height = min(self._room_px, _WIDTH / self.aspect)
        return max(2, round(height * self.aspect)), max(2, round(height))

    def _top(self, row: int) -> int:
        """Of a row's mel."""
        return self._room_px + row * (_LABEL_PX + self.mel_size[1]) + _LABEL_PX

    def draw(
        self, labels: Sequence[str], mels: Sequence[np.ndarray], heard: int, onsets: Onsets, duration_s: float
    ) -> np.ndarray:
        """All that stands still while sound number `heard` plays, uint8 (H, W, 3)."""
        image = Image.new("RGB", (_WIDTH, _HEIGHT), _GROUND)
        pen, font = ImageDraw.Draw(image), ImageFont.truetype(_font(), 19)
        for row, (label, mel) in enumerate(zip(labels, mels, strict=True)):
            top, on = self._top(row), row == heard
            shown = mel if on else (mel * 0.55).astype(np.uint8)
            image.paste(Image.fromarray(shown), (_MARGIN_PX, top))
            mark = "\u25b6 " if on else ""
            pen.text((_MARGIN_PX, top - 26), mark + label[:_LONGEST_LABEL], _INK if on else _QUIET_INK, font)
            for time_s in onsets.times_s:
                x = _MARGIN_PX + round(time_s / duration_s * self.mel_size[0])
                if time_s < duration_s:
                    pen.polygon([(x - 4, top - 5), (x + 4, top - 5), (x, top + 2)], fill=_ONSET)
        return np.asarray(image)

    def frame(self, ground: np.ndarray, picture: np.ndarray, share: float) -> np.ndarray:
        """One picture of the reel, with the playhead at a share of the clip."""
        image = ground.copy()
        width, height = self.picture_size
        left, top = (_WIDTH - width) // 2, (self._room_px - height) // 2
        image[top : top + height, left : left + width] = picture
        x = _MARGIN_PX + round(share * (self.mel_size[0] - 2))
        for row in range(self.rows):
            image[self._top(row) : self._top(row) + self.mel_size[1], x : x + 2] = _PLAYHEAD
        return image


def _font() -> str:
    """A font that comes with matplotlib and knows most alphabets."""
    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))


class _Pictures:
    """Frames by number, asked for in order; the last one stays."""

    def __init__(self, frames: Iterator[tuple[float, np.ndarray]]) -> None:
        self._frames, self._number = frames, 0
        _, self._image = next(frames)

    def at(self, index: int) -> np.ndarray:
        while self._number < index:
            following = next(self._frames, None)
            if following is None:
                break
            self._number, self._image = self._number + 1, following[1]
        return self._image


def _sound(path: Path, duration_s: float) -> np.ndarray:
    """float32 (N, 2) at 48 kHz, as long as the picture."""
    wave, rate_hz = read_wav_channels(path)
    wave = fit_length(resample(wave, rate_hz, _RATE_HZ), round(duration_s * _RATE_HZ))
    return wave if wave.shape[1] == 2 else np.repeat(wave, 2, axis=1)


def _mel(sound: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    wave = torch.from_numpy(resample(to_mono(sound), _RATE_HZ, SAMPLE_RATE_HZ))
    return mel_pixels(log_mel(wave), size)
