"""Clips to shards, once: latents, CAVP features, onsets and words of each, by the networks that are not trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.describe.base import Describer
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import read_audio, read_frames
from rhythmic_foley.pipeline.pipeline import VIDEO_RATE_HZ, VIDEO_START_S, RhythmicFoleyPipeline
from rhythmic_foley.training.full.examples import COLUMN_S, Example, record_of
from rhythmic_foley.training.full.shards import RECORDS_PER_SHARD, Record, write_shard
from rhythmic_foley.training.full.sources import CLIP_S, Clip, Found
from rhythmic_foley.values.events import UNKNOWN, SoundEvent

CAVP_HOP = 250  # gives its 4 features a second; the diffusion model's mel has a hop of 256
COLUMNS = int(CLIP_S / COLUMN_S)
_SILENT_PEAK = 1e-4


@dataclass
class Tally:
    """What became of the clips."""

    written: int = 0
    missing: int = 0
    silent: int = 0
    unreadable: list[str] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.written + other.written,
            self.missing + other.missing,
            self.silent + other.silent,
            self.unreadable + other.unreadable,
        )

    def __str__(self) -> str:
        return (
            f"{self.written} clips prepared, {self.missing} missing, {self.silent} without sound, "
            f"{len(self.unreadable)} unreadable"
        )


@dataclass(frozen=True)
class Preparer:
    """Writes clips as shards.

    Args:
        record_of: makes a clip's record, None if it does not sound; raises FoleyError if the clip cannot be read.
    """

    record_of: Callable[[Clip], Record | None]

    def prepare(
        self, found: Found, out: Path, *, part: tuple[int, int] = (0, 1), shard_size: int = RECORDS_PER_SHARD
    ) -> Tally:
        """Writes the shards that are not there yet.

        Args:
            out: holds the shards of one list; for several take sub-folders of what is trained on.
            part: (i, n): of every n shards in turn the i-th, so that n machines share the work.
        """
        tally = Tally(missing=found.missing)
        for number in missing_shards(found, out, part=part, shard_size=shard_size):
            tally += self.shard(found, out, number, shard_size)
        return tally

    def shard(self, found: Found, out: Path, number: int, shard_size: int = RECORDS_PER_SHARD) -> Tally:
        """Writes one shard."""
        out.mkdir(parents=True, exist_ok=True)
        tally, start = Tally(), number * shard_size
        clips = found.clips[start : start + shard_size]
        tally.written = write_shard(_shard(out, number), self._records(clips, tally))
        return tally

    def _records(self, clips: tuple[Clip, ...], tally: Tally) -> Iterator[tuple[str, Record]]:
        for clip in clips:
            try:
                record = self.record_of(clip)
            except FoleyError:
                tally.unreadable.append(clip.name)
                continue
            if record is None:
                tally.silent += 1
            else:
                yield clip.name, record


def missing_shards(
    found: Found, out: Path, *, part: tuple[int, int] = (0, 1), shard_size: int = RECORDS_PER_SHARD
) -> list[int]:
    """Numbers of the shards that are not there yet, of every `part[1]` in turn the `part[0]`-th."""
    shards = -(-len(found.clips) // shard_size)
    return [number for number in range(part[0], shards, part[1]) if not _shard(out, number).exists()]


def _shard(out: Path, number: int) -> Path:
    return out / f"{number:06d}.tar"


@dataclass(frozen=True)
class ExampleMaker:
    """Makes the adapters' examples of clips.

    Args:
        pipeline: a converted Diff-Foley.
        describer: says what sounds in a picture; without one it is what the data set says.
    """

    pipeline: RhythmicFoleyPipeline
    describer: Describer | None = None

    def record(self, clip: Clip) -> Record | None:
        """One clip's record, None if it does not sound."""
        example = self.example(clip)
        return None if example is None else record_of(example)

    @torch.no_grad()
    def example(self, clip: Clip) -> Example | None:
        """One clip's example, None if it does not sound."""
        wave = read_sound(clip)
        if wave is None:
            return None
        wave = fit_length(wave, round(CLIP_S * SAMPLE_RATE_HZ))
        mel = log_mel(torch.from_numpy(wave))
        latent = self.pipeline.encode(mel)[:, :, :COLUMNS]
        events = self._events(clip)
        return Example(
            latent.cpu().numpy(),
            self._features(clip, wave).cpu().numpy(),
            ", ".join(event.text for event in events),
            events,
            attack_times(wave, SAMPLE_RATE_HZ),
        )

    def _features(self, clip: Clip, wave: np.ndarray) -> torch.Tensor:
        """(T, D): of the picture, or of the sound where there is none."""
        if clip.has_picture:
            frames = read_frames(clip.path, VIDEO_RATE_HZ, start_s=VIDEO_START_S, end_s=CLIP_S)
            return self.pipeline.encode_video(frame for _, frame in frames)
        mel = log_mel(torch.from_numpy(wave), hop=CAVP_HOP)[None]
        return self.pipeline.cavp.encode_audio(mel.to(self.pipeline.device))[0]

    def _events(self, clip: Clip) -> tuple[SoundEvent, ...]:
        if self.describer is not None and clip.has_picture:
            frames = read_frames(clip.path, VIDEO_RATE_HZ, (336, 336), fit="inside", end_s=CLIP_S)
            said = tuple(e for e in self.describer.describe(frames, CLIP_S) if e.label != UNKNOWN)
            if said:
                return said
        return (SoundEvent(clip.caption),)


def read_sound(clip: Clip) -> np.ndarray | None:
    """(N,) float32 at 16 kHz, at most `CLIP_S` of it; None for a clip without sound, or with a silent one.

    Raises:
        FoleyError: if the file cannot be read.
    """
    wave = read_audio(clip.path, SAMPLE_RATE_HZ) if clip.has_picture else _read_file(clip.path)
    if wave is None or np.abs(wave).max(initial=0.0) < _SILENT_PEAK:
        return None
    return wave[: round(CLIP_S * SAMPLE_RATE_HZ)]


def _read_file(path: Path) -> np.ndarray:
    try:
        wave, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise FoleyError(f"{path} cannot be read as sound.") from error
    return soxr.resample(wave.mean(axis=1), rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
