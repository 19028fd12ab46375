"""The bare sound of one take: the windows of a clip, each found again by what shaped it.

Windows share memory: every other one is made first, and those between them hold the finished sound of both neighbours
where they overlap, as a fix holds what lies around it.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ, SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.mixing import FADE_S, with_stretch
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline, Step
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.runtime.memory import SMALLER_BATCHES, enough_memory
from rhythmic_foley.studio.dub_plan import DubPlan
from rhythmic_foley.studio.reference_sound import laid_at, read_reference, starts_of
from rhythmic_foley.values.events import events_between
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.results import GeneratedSound, Progress
from rhythmic_foley.values.seeds import generator_seed
from rhythmic_foley.values.windows import OVERLAP_S, Window, in_rounds, plan_windows, stitch

PREVIEW_EVERY = 4
# A reference of full strength still leaves the diffusion its last step or two.
_LEAST_NEW = 0.02


@dataclass
class Meter:
    """Counts steps and says how long the rest will take."""

    total: int
    label: str = ""
    done: int = 0
    began_s: float | None = None
    counted: int = 0

    def named(self, label: str) -> Meter:
        self.label = label
        return self

    def tick(self, message: str, preview: np.ndarray | None = None, steps: int = 1) -> Progress:
        now_s = time.monotonic()
        self.done += steps
        eta_s = None
        if self.began_s is None:
            self.began_s = now_s  # the first step pays for warming up
        else:
            self.counted += steps
            eta_s = (now_s - self.began_s) / self.counted * (self.total - self.done)
        return Progress(self.done / self.total, message, eta_s, preview)

    def skip(self, steps: int, message: str) -> Progress:
        self.done += steps
        return Progress(self.done / self.total, f"{message}: made before")


@dataclass(frozen=True)
class _Follow:
    """Where and how the progress of windows is told; the preview of each ends after its `frames`."""

    meter: Meter
    label: str
    steps: int
    frames: Sequence[int]


@dataclass(frozen=True)
class SoundMaker:
    """Runs one pipeline over the windows of a clip.

    Args:
        revision: of the model, for the cache.
        duration_s: of the picture.
        previews: whether somebody looks at the mel while it is denoised.
        features: (T, D) of the whole clip, for a model that looks at the picture itself.
        start_s: where in the whole clip the picture begins.
    """

    pipeline: RhythmicFoleyPipeline
    revision: str
    cache: Cache
    duration_s: float
    previews: bool = False
    features: torch.Tensor | None = None
    start_s: float = 0.0

    @property
    def windows(self) -> tuple[Window, ...]:
        return plan_windows(self.duration_s, self.pipeline.window_s, OVERLAP_S)

    def steps(self, plan: DubPlan) -> int:
        """How often `make` will report progress: at each step, and at each finished window."""
        return len(_touched(self.windows, plan.fix)) * _window_steps(plan)

    def make(self, plan: DubPlan, meter: Meter) -> Generator[Progress, None, GeneratedSound]:
        """The sound of one take; what stays around `plan.fix` is that of `plan.base`."""
        windows = self.windows
        touched = _touched(windows, plan.fix)
        noise = self._noise(plan.seed, windows)
        reference = self._reference(plan, windows)
        waves: dict[int, np.ndarray] = {}
        latents: dict[int, np.ndarray] = {}
        notes: dict[str, None] = {}
        for together in in_rounds(touched, self.pipeline.windows_at_once):
            requests = [
                replace(
                    self._request(plan, window, noise),
                    start_from=None if reference is None else (self._encoded(reference, window), _new_share(plan)),
                    keep=self._kept(window, latents, plan),
                )
                for window in together
            ]
            label = meter.label + (_parts(len(waves), len(together), len(touched)) if len(windows) > 1 else "")
            frames = [_seen_frames(window, self.duration_s) for window in together]
            made = yield from self._windows(requests, _Follow(meter, label, _window_steps(plan), frames), notes)
            for window, (wave, latent) in zip(together, made, strict=True):
                waves[window.index], latents[window.index] = wave, latent
        rate_hz = self.pipeline.sample_rate_hz
        wave = stitch([waves[w.index] for w in touched], touched, rate_hz, round(self.duration_s * rate_hz))
        if plan.base is None or plan.fix is None:
            return GeneratedSound(wave, rate_hz, np.stack([latents[w.index] for w in touched]), tuple(notes))
        around = plan.base.sound.latents.copy()
        for index, latent in latents.items():
            around[index] = latent
        wave = with_stretch(plan.base.sound.wave, wave, rate_hz, plan.fix.start_s, plan.fix.end_s)
        return GeneratedSound(wave, rate_hz, around, tuple(notes))

    def _windows(
        self, requests: Sequence[WindowRequest], follow: _Follow, notes: dict[str, None]
    ) -> Generator[Progress, None, list[tuple[np.ndarray, np.ndarray]]]:
        """Wave (samples,) and latent (C, 16, columns) of each window; a job that was cut off finds its finished ones.

        What did not go as it should is added to the `notes`.
        """
        made_by = (self.revision, str(self.pipeline.unet.dtype))
        keys = [_cache_key(made_by, request) for request in requests]
        made = [self._found(key) for key in keys]
        missing = [number for number, found in enumerate(made) if found is None]
        for _ in range(len(made) - len(missing)):
            yield follow.meter.skip(follow.steps, follow.label)
        if not missing:
            return made
        with enough_memory():
            for items in self.pipeline.stream_together([requests[number] for number in missing]):
                if isinstance(items[0], Step):
                    preview = self._preview(items[0], follow.frames[missing[0]])
                    yield follow.meter.tick(follow.label, preview, len(missing))
        if self.pipeline.short_of_memory:
            notes[SMALLER_BATCHES] = None
        for number, output in zip(missing, items, strict=True):
            made[number] = output.wave.float().numpy(), output.latent.float().numpy()
            self._keep(keys[number], *made[number], notes)
        yield follow.meter.tick(follow.label, steps=len(missing))
        return made

    def _keep(self, key: str, wave: np.ndarray, latent: np.ndarray, notes: dict[str, None]) -> None:
        try:
            self.cache.put("window", key, ".npz", lambda path: np.savez(path, wave=wave, latent=latent))
        except FoleyError as error:  # what is made is still good
            notes[str(error)] = None

    def _found(self, key: str) -> tuple[np.ndarray, np.ndarray] | None:
        cached = self.cache.get("window", key, ".npz")
        try:
            if cached is not None:
                with np.load(cached) as stored:
                    return stored["wave"], stored["latent"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            self.cache.drop("window", key, ".npz")
        return None

    def _preview(self, step: Step, frames: int) -> np.ndarray | None:
        if not self.previews or step.number % PREVIEW_EVERY:
            return None
        return self.pipeline.decode(step.latent[None])[0, :, :frames].clamp(0, 1).cpu().numpy()

    def _request(self, plan: DubPlan, window: Window, noise: torch.Tensor) -> WindowRequest:
        start = round(window.start_s / self.pipeline.column_s)
        asked = plan.asked
        return WindowRequest(
            events=events_between(plan.events, window.start_s, window.end_s),
            # A clip without any onsets is one of which nobody knows when it hits.
            onsets=plan.onsets.between(window.start_s, window.end_s) if len(plan.onsets) else None,
            negative=asked.negative,
            semantic_scale=asked.semantic_scale,
            temporal_scale=asked.temporal_scale,
            guidance_scale=asked.guidance_scale,
            classifier_scale=asked.classifier_scale,
            onset_guidance=asked.onset_guidance,
            steps=asked.steps,
            noise=noise[start : start + self.pipeline.latent_shape[2]].permute(1, 2, 0),
            features=self.features,
            start_s=window.start_s + (0.0 if self.features is None else self.start_s),
        )

    def _noise(self, seed: int, windows: tuple[Window, ...]) -> torch.Tensor:
        """Noise for the whole clip, (columns, C, 16): where windows overlap they start from the same noise."""
        channels, rows, _ = self.pipeline.latent_shape
        columns = round(windows[-1].end_s / self.pipeline.column_s)
        generator = torch.Generator().manual_seed(generator_seed(seed))
        return torch.randn((columns, channels, rows), generator=generator)

    def _kept(
        self, window: Window, finished: Mapping[int, np.ndarray], plan: DubPlan
    ) -> tuple[torch.Tensor, torch.Tensor] | None:
        """What of a window is there already, as `stream` takes it: what a fix leaves, and what neighbours share."""
        if plan.base is not None and plan.fix is not None:
            latent = torch.from_numpy(plan.base.sound.latents[window.index].copy())
            anew = self._anew(plan.fix, window)
        else:
            latent, anew = torch.zeros(self.pipeline.latent_shape), torch.ones(self.pipeline.latent_shape[2])
        shared = round(OVERLAP_S / self.pipeline.column_s)
        if (before := finished.get(window.index - 1)) is not None:
            latent[..., :shared], anew[:shared] = torch.from_numpy(before[..., -shared:]), 0
        if (after := finished.get(window.index + 1)) is not None:
            latent[..., -shared:], anew[-shared:] = torch.from_numpy(after[..., :shared]), 0
        return None if anew.all() else (latent, anew)

    def _anew(self, fix: Interval, window: Window) -> torch.Tensor:
        """(columns,): 1 for the latent columns that the stretch touches."""
        starts_s = window.start_s + torch.arange(self.pipeline.latent_shape[2]) * self.pipeline.column_s
        return ((starts_s < fix.end_s) & (starts_s + self.pipeline.column_s > fix.start_s)).float()

    def _reference(self, plan: DubPlan, windows: tuple[Window, ...]) -> np.ndarray | None:
        """The reference laid at every onset of the clip, float32 (N,) at 16 kHz."""
        if plan.reference is None:
            return None
        sample = read_reference(plan.reference, SAMPLE_RATE_HZ)
        starts = starts_of(plan.onsets, plan.events)
        return laid_at(sample, starts, SAMPLE_RATE_HZ, round(windows[-1].end_s * SAMPLE_RATE_HZ))

    def _encoded(self, reference: np.ndarray, window: Window) -> torch.Tensor:
        start, end = (round(time_s * SAMPLE_RATE_HZ) for time_s in (window.start_s, window.end_s))
        return self.pipeline.encode(log_mel(torch.from_numpy(reference[start:end])))


def _parts(done: int, together: int, of: int) -> str:
    """Which parts of the clip are being made, counted in the order of making."""
    last = done + together
    return f", part {last} of {of}" if together == 1 else f", parts {done + 1} to {last} of {of}"


def _seen_frames(window: Window, duration_s: float) -> int:
    """Mel frames of a window before the clip ends."""
    return round((min(window.end_s, duration_s) - window.start_s) * MEL_FRAME_RATE_HZ)


def _touched(windows: tuple[Window, ...], fix: Interval | None) -> tuple[Window, ...]:
    """The windows that are made: all, or those that the stretch to fix and its fades reach into."""
    if fix is None:
        return windows
    return tuple(w for w in windows if w.start_s < fix.end_s + FADE_S and w.end_s > fix.start_s - FADE_S)


def _window_steps(plan: DubPlan) -> int:
    return max(1, round(_new_share(plan) * plan.asked.steps)) + 1


def _new_share(plan: DubPlan) -> float:
    """How much of the way from pure noise the diffusion goes."""
    return 1.0 if plan.reference is None else max(_LEAST_NEW, 1 - plan.asked.reference_strength)


def _cache_key(made_by: tuple[str, str], request: WindowRequest) -> str:
    """Made of all fields of the request, so that a new field becomes part of it by itself."""
    return Cache.key("window-4", made_by, {one.name: _plain(getattr(request, one.name)) for one in fields(request)})


def _plain(value: Any) -> Any:
    """A value as `Cache.key` takes it."""
    if isinstance(value, torch.Tensor):
        return value.cpu().numpy()
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value
