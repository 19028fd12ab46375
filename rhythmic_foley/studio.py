"""The job itself: `analyse` a clip, then `dub` it. Command line, app and batch all call this."""

from __future__ import annotations

import os
import random
import re
import shutil
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.audio import SAMPLE_RATE_HZ, log_mel, mix_under, normalise_loudness, read_wav, write_wav
from rhythmic_foley.cache import Cache, file_digest
from rhythmic_foley.checkpoints import find_checkpoint, load_pipeline, revision
from rhythmic_foley.describe import Describer
from rhythmic_foley.describe.choose import EMBEDDED, open_describer
from rhythmic_foley.describe.embedded import EmbeddedDescriber
from rhythmic_foley.describe.sounds import goes_on
from rhythmic_foley.describe.talking import Description
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import UNKNOWN, SoundEvent, events_from_json, events_to_json
from rhythmic_foley.media import ClipInfo, mux, probe, read_audio, read_frames
from rhythmic_foley.motion import DEFAULT_THRESHOLD, Curve, motion_curve, pick_onsets
from rhythmic_foley.onsets import OnsetMatch, Onsets, attack_times, match_onsets
from rhythmic_foley.pipeline import FoleyOutput, RhythmicFoleyPipeline
from rhythmic_foley.plots import mel_image
from rhythmic_foley.requests import MAX_SEED, Analysis, Controls, Progress, Take
from rhythmic_foley.windows import OVERLAP_S, Window, plan_windows, stitch

__all__ = ["Analysis", "Controls", "Progress", "Studio", "Take"]

MIN_CLIP_S, MAX_CLIP_S = 0.3, 600.0
HIT_TOLERANCE_S = 0.05
_MOTION_RATE_HZ, _MOTION_SIZE = 30.0, (256, 256)
_DESCRIBE_RATE_HZ, _DESCRIBE_SIZE = 4.0, (320, 320)
_SLACK_S = 0.02  # a clip of ten minutes may be a frame longer

UNKNOWN_NOTE = "Nobody could say what sounds here; describe it for a better result, now only the timing is used."


class Studio:
    """Analyses and dubs clips with one model. Holds nothing of any request, so that threads may share it.

    Args:
        model: name or folder of a checkpoint.
        cache: what was made before is found again here.
        device: for the networks; by default the GPU if there is one.
        describer: who says what sounds: a describer, or a name as `open_describer` takes it; by default the one in the
            checkpoint, which also speaks where another one has nothing of use to say.
    """

    def __init__(
        self,
        model: str | Path = "mini",
        *,
        cache: Cache | None = None,
        device: str | None = None,
        describer: Describer | str = EMBEDDED,
    ) -> None:
        self.folder = find_checkpoint(model)
        self.cache = cache or Cache()
        self._device = device
        self._describer = describer

    @cached_property
    def pipeline(self) -> RhythmicFoleyPipeline:
        return load_pipeline(self.folder, self._device)

    @cached_property
    def describer(self) -> Describer:
        if not isinstance(self._describer, str):
            return self._describer
        return open_describer(self._describer, EmbeddedDescriber.from_pretrained(self.folder / "describer"))

    @cached_property
    def revision(self) -> str:
        return revision(self.folder)

    def analyse(
        self, path: str | Path, *, describe: bool = True, find_onsets: bool = True
    ) -> Iterator[Progress | Analysis]:
        """Looks at a clip: what sounds, and when. Yields progress, and the analysis at the end.

        Raises:
            FoleyError: if the file is not a clip that can be dubbed.
        """
        yield Progress(0.0, "Opening the clip")
        clip = probe(path)
        _check_length(clip)
        digest = file_digest(path)
        curve, onsets = Curve(np.zeros(0), np.zeros(0)), Onsets()
        if find_onsets:
            yield Progress(0.1, "Looking for onsets")
            curve = self._curve(clip, digest)
            onsets = pick_onsets(curve, DEFAULT_THRESHOLD)
        said = Description((), "")
        if describe:
            yield Progress(0.6, "Describing what sounds")
            said = self._describe(clip, digest)
            onsets = _fitting(onsets, said.events)
        notes = said.notes
        if describe and all(event.label == UNKNOWN for event in said.events):
            notes = (*notes, UNKNOWN_NOTE)
        yield Analysis(clip, digest, said.events, onsets, DEFAULT_THRESHOLD, curve, said.describer, notes)

    def dub(self, analysis: Analysis, controls: Controls, out_dir: Path) -> Iterator[Progress | Take]:
        """Makes the sound. Yields progress at each denoising step and each take when it is on disk.

        Closing the generator stops within one step; finished takes stay.

        Raises:
            FoleyError: if a control is out of its range, or the results cannot be written.
        """
        controls = _resolved(analysis, controls)
        self._make_room()
        yield Progress(0.0, "Loading the model")
        windows = plan_windows(analysis.clip.duration_s, self.pipeline.window_s, OVERLAP_S)
        meter = _Meter(controls.takes * len(windows) * (controls.steps + 1))
        for number in range(controls.takes):
            single = replace(controls, seed=(controls.seed + number) % (MAX_SEED + 1), takes=1)
            meter.label = f"Take {number + 1} of {controls.takes}"
            wave = yield from self._generate(analysis, single, windows, meter)
            yield self._finish(analysis, single, wave, Path(out_dir))

    def original_mel(self, analysis: Analysis, out_dir: Path) -> Path | None:
        """Mel picture of the clip's own sound; None if it has none."""
        wave = read_audio(analysis.clip.path, SAMPLE_RATE_HZ) if analysis.clip.has_audio else None
        return None if wave is None else self.mel_png(wave, Path(out_dir) / "original.png")

    def mel_png(self, wave: np.ndarray | Path, out: Path, onsets: Onsets | None = None) -> Path:
        """Mel picture of a waveform at 16 kHz, or of a wav file, with onsets as lines."""
        if isinstance(wave, Path):
            wave, rate_hz = read_wav(wave)
            wave = _resample(wave, rate_hz, SAMPLE_RATE_HZ)
        padded = np.pad(wave, (0, max(0, 1024 - len(wave)))).astype(np.float32)
        mel_image(log_mel(torch.from_numpy(padded)), out, onsets_s=onsets.times_s if onsets else ())
        return out

    def _curve(self, clip: ClipInfo, digest: str) -> Curve:
        def write(path: Path) -> None:
            frames = read_frames(clip.path, min(clip.fps, _MOTION_RATE_HZ), _MOTION_SIZE, fit="inside")
            curve = motion_curve(frames)
            np.savez(path, times_s=curve.times_s, values=curve.values)

        with np.load(self._made("curve", Cache.key("curve-1", digest), ".npz", write)) as stored:
            return Curve(stored["times_s"], stored["values"])

    def _describe(self, clip: ClipInfo, digest: str) -> Description:
        """What the describer says, from the cache if it was asked before; a stand-in's answer is not kept."""
        key = Cache.key("events-2", digest, getattr(self.describer, "fingerprint", self.describer.name), self.revision)
        cached = self.cache.get("events", key, ".json")
        if cached is not None:
            return Description(events_from_json(cached.read_text(encoding="utf-8")), self.describer.name)
        size = getattr(self.describer, "frame_size", _DESCRIBE_SIZE)
        frames = read_frames(clip.path, _DESCRIBE_RATE_HZ, size, fit="inside")
        if hasattr(self.describer, "look"):
            said = self.describer.look(frames, clip.duration_s)
        else:
            said = Description(self.describer.describe(frames, clip.duration_s), self.describer.name)
        if said.describer == self.describer.name and not said.notes:
            text = events_to_json(said.events)
            self.cache.put("events", key, ".json", lambda path: path.write_text(text, encoding="utf-8"))
        return said

    def _make_room(self) -> None:
        """Frees a large describer before the sound is made: peak memory is the larger of the two, not their sum."""
        describer = self.__dict__.get("describer")  # none is built only to be closed
        if hasattr(describer, "close"):
            describer.close()

    def _made(self, kind: str, key: str, suffix: str, write: Callable[[Path], None]) -> Path:
        return self.cache.get(kind, key, suffix) or self.cache.put(kind, key, suffix, write)

    def _generate(
        self, analysis: Analysis, controls: Controls, windows: tuple[Window, ...], meter: _Meter
    ) -> Generator[Progress, None, np.ndarray]:
        """The bare sound of one take at 16 kHz, as long as the picture."""
        key = self._sound_key(analysis, controls)
        cached = self.cache.get("sound", key, ".npy")
        if cached is not None:
            yield meter.skip(len(windows) * (controls.steps + 1))
            return np.load(cached)
        noise = self._noise(controls.seed, windows)
        waves = []
        for window in windows:
            where = f"{meter.label}, part {window.index + 1} of {len(windows)}" if len(windows) > 1 else meter.label
            request = self._window_request(controls, window, noise)
            for item in self.pipeline.stream(**request):
                if isinstance(item, FoleyOutput):
                    waves.append(item.wave.numpy())
                yield meter.tick(where)
        wave = stitch(waves, windows, SAMPLE_RATE_HZ, round(analysis.clip.duration_s * SAMPLE_RATE_HZ))
        self.cache.put("sound", key, ".npy", lambda path: np.save(path, wave))
        return wave

    def _sound_key(self, analysis: Analysis, controls: Controls) -> str:
        """Names the sound by all that shapes it: neither loudness nor mix, nor the picture beyond its length."""
        heard = replace(controls, keep_original_db=None, loudness_lufs=None)
        return Cache.key("sound-1", self.revision, round(analysis.clip.duration_s, 6), heard.to_json())

    def _noise(self, seed: int, windows: tuple[Window, ...]) -> torch.Tensor:
        """Noise for the whole clip, (columns, C, 16): where windows overlap they start from the same noise."""
        channels, rows, _ = self.pipeline.latent_shape
        columns = round(windows[-1].end_s / self.pipeline.column_s)
        return torch.randn((columns, channels, rows), generator=torch.Generator().manual_seed(seed))

    def _window_request(self, controls: Controls, window: Window, noise: torch.Tensor) -> dict[str, object]:
        start = round(window.start_s / self.pipeline.column_s)
        return {
            "events": _events_between(controls.events, window.start_s, window.end_s),
            "onsets": controls.onsets.between(window.start_s, window.end_s),
            "negative": controls.negative,
            "semantic_scale": controls.semantic_scale,
            "temporal_scale": controls.temporal_scale,
            "guidance_scale": controls.guidance_scale,
            "steps": controls.steps,
            "noise": noise[start : start + self.pipeline.latent_shape[2]].permute(1, 2, 0),
        }

    def _finish(self, analysis: Analysis, controls: Controls, wave: np.ndarray, out_dir: Path) -> Take:
        """Loudness, mix, and the take's files; they appear together under the take's name or not at all."""
        clip = analysis.clip
        stem = _safe(clip.path.stem)
        name = f"{stem}-seed{controls.seed}"
        partial = out_dir / f".{name}-{uuid.uuid4().hex}"
        try:
            partial.mkdir(parents=True)
            sound, rate_hz = self._mixed(clip, controls, wave)
            write_wav(partial / f"{stem}.wav", sound, rate_hz)
            report = mux(clip.path, sound, rate_hz, partial / f"{stem}.mp4")
            self.mel_png(partial / f"{stem}.wav", partial / f"{stem}.png", controls.onsets)
            settings = controls.to_json(clip_sha256=analysis.digest, model=self.folder.name, revision=self.revision)
            (partial / f"{stem}.json").write_text(settings, encoding="utf-8")
            folder = _free_name(out_dir / name)
            os.replace(partial, folder)
        except OSError as error:
            raise FoleyError(f"The take cannot be written to {out_dir} ({error.strerror}).") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        files = (folder / f"{stem}{suffix}" for suffix in (".mp4", ".wav", ".png", ".json"))
        notes = tuple(note for note in (report.note, _unknown_note(controls)) if note)
        return Take(folder.name, folder, *files, controls.seed, _measure(wave, controls.onsets), notes)

    def _mixed(self, clip: ClipInfo, controls: Controls, wave: np.ndarray) -> tuple[np.ndarray, int]:
        """The sound that goes to disk, and its rate: the original's own where that is kept."""
        if controls.loudness_lufs is not None:
            wave = normalise_loudness(wave, SAMPLE_RATE_HZ, controls.loudness_lufs)
        original = None
        if controls.keep_original_db is not None and clip.has_audio:
            original = read_audio(clip.path, clip.audio_rate_hz)
        if original is None:
            return wave, SAMPLE_RATE_HZ
        samples = round(clip.duration_s * clip.audio_rate_hz)
        wave = _resample(wave, SAMPLE_RATE_HZ, clip.audio_rate_hz)
        wave = np.pad(wave[:samples], (0, max(0, samples - len(wave))))
        return mix_under(wave, original, controls.keep_original_db), clip.audio_rate_hz


@dataclass
class _Meter:
    """Counts steps and says how long the rest will take."""

    total: int
    label: str = ""
    done: int = 0
    began_s: float | None = None
    counted: int = 0

    def tick(self, message: str) -> Progress:
        now_s = time.monotonic()
        self.done += 1
        eta_s = None
        if self.began_s is None:
            self.began_s = now_s  # the first step pays for warming up
        else:
            self.counted += 1
            eta_s = (now_s - self.began_s) / self.counted * (self.total - self.done)
        return Progress(self.done / self.total, message, eta_s)

    def skip(self, steps: int) -> Progress:
        self.done += steps
        return Progress(self.done / self.total, f"{self.label}: made before")


def _check_length(clip: ClipInfo) -> None:
    if clip.duration_s < MIN_CLIP_S - _SLACK_S:
        raise FoleyError(f"This clip is {clip.duration_s:.2f} s long; at least {MIN_CLIP_S:g} s are needed.")
    if clip.duration_s > MAX_CLIP_S + 1:
        minutes = clip.duration_s / 60
        raise FoleyError(f"This clip is {minutes:.1f} min long; the limit is {MAX_CLIP_S / 60:g} min. Please trim it.")


def _resolved(analysis: Analysis, controls: Controls) -> Controls:
    """The controls with nothing left open: proposals taken over, the seed drawn."""
    events = analysis.events if controls.events is None else controls.events
    if controls.text is not None and controls.text.strip():
        events = (SoundEvent(controls.text.strip()),)
    onsets = _fitting(analysis.onsets, events) if controls.onsets is None else controls.onsets
    seed = random.SystemRandom().randint(0, MAX_SEED) if controls.seed is None else controls.seed
    return replace(controls, events=events, onsets=onsets, seed=seed, text=None)


def _fitting(onsets: Onsets, events: tuple[SoundEvent, ...]) -> Onsets:
    """Proposed onsets, none where everything described goes on without hits: rain must not be chopped by motion."""
    return Onsets() if events and all(goes_on(event.label) for event in events) else onsets


def _events_between(events: tuple[SoundEvent, ...], start_s: float, end_s: float) -> tuple[SoundEvent, ...]:
    """Events that sound in a stretch, in seconds from its beginning."""
    inside = (e for e in events if e.start_s < end_s and (e.end_s is None or e.end_s > start_s))
    return tuple(
        replace(e, start_s=max(0.0, e.start_s - start_s), end_s=None if e.end_s is None else e.end_s - start_s)
        for e in inside
    )


def _measure(wave: np.ndarray, wanted: Onsets) -> OnsetMatch | None:
    if not len(wanted):
        return None
    return match_onsets(wanted.times_s, attack_times(wave, SAMPLE_RATE_HZ).times_s, HIT_TOLERANCE_S)


def _unknown_note(controls: Controls) -> str:
    return UNKNOWN_NOTE if all(event.label == UNKNOWN for event in controls.events) else ""


def _resample(wave: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    import soxr

    return wave if from_hz == to_hz else soxr.resample(wave, from_hz, to_hz)


def _safe(stem: str) -> str:
    """A file name part without anything that a shell, a URL or HTML would mind."""
    return re.sub(r"[^\w.-]+", "_", stem).strip("._")[:60] or "clip"


def _free_name(folder: Path) -> Path:
    """The folder's name, or with a number if it is taken."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free
