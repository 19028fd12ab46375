"""The bare sound of one take: the windows of a clip, each found again by what shaped it.

Windows share memory: every other one is made first, and those between them hold the finished sound of both neighbours
where they overlap, as a fix holds what lies around it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch

from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ, SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.mixing import FADE_S
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline, Step
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.runtime.memory import SMALLER_BATCHES, enough_memory
from rhythmic_foley.studio.meter import Meter
from rhythmic_foley.studio.stems import StemPlan, lay_samples
from rhythmic_foley.values.events import SoundEvent, events_between
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.results import GeneratedSound, Progress
from rhythmic_foley.values.seeds import generator_seed
from rhythmic_foley.values.windows import OVERLAP_S, Window, in_rounds, plan_windows, stitch

PREVIEW_EVERY = 4
# A blend of nearly full strength still leaves the diffusion its last step or two.
_LEAST_NEW = 0.02


@dataclass(frozen=True)
class _Follow:
    """Where and how the progress of windows is told; the preview of each ends after its `frames`."""

    meter: Meter
    label: str
    steps: int
    frames: Sequence[int]


@dataclass(frozen=True)
class _UnderWay:
    """A stem while its windows are made: its noise, the laid samples, and the finished windows by their index."""

    plan: StemPlan
    noise: torch.Tensor
    laid: np.ndarray | None
    waves: dict[int, np.ndarray] = field(default_factory=dict)
    latents: dict[int, np.ndarray] = field(default_factory=dict)


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

    def steps(self, plan: StemPlan) -> int:
        """How often `make` will report progress: at each step, and at each finished window."""
        return len(_touched(self.windows, plan.fix)) * _window_steps(plan)

    def make(self, plan: StemPlan, meter: Meter) -> Generator[Progress, None, GeneratedSound]:
        """The sound of one stem, see `make_together`."""
        (sound,) = yield from self.make_together([plan], meter)
        return sound

    def make_together(
        self, plans: Sequence[StemPlan], meter: Meter
    ) -> Generator[Progress, None, tuple[GeneratedSound, ...]]:
        """The sounds of stems, whose windows are generated in batches as far as the pipeline does that.

        Of a fix only the windows that its stretch reaches into are heard; the latents of the others are those of
        `plan.base`.

        Args:
            plans: of one take, all with the same `fix` and `new_share`.
        """
        windows = self.windows
        touched = _touched(windows, plans[0].fix)
        under_way = [_UnderWay(plan, self._noise(plan.seed, windows), self._laid(plan, windows)) for plan in plans]
        notes: dict[str, None] = {}
        done, total = 0, len(touched) * len(plans)
        for together in _batches(under_way, touched, self.pipeline.windows_at_once):
            label = meter.label + (_parts(done, len(together), total) if total > 1 else "")
            frames = [_seen_frames(window, self.duration_s) for _, window in together]
            follow = _Follow(meter, label, _window_steps(plans[0]), frames)
            requests = [self._request(stem, window) for stem, window in together]
            made = yield from self._windows(requests, follow, notes)
            for (stem, window), (wave, latent) in zip(together, made, strict=True):
                stem.waves[window.index], stem.latents[window.index] = wave, latent
            done += len(together)
        return tuple(self._finished(stem, touched, tuple(notes)) for stem in under_way)

    def _finished(self, stem: _UnderWay, touched: Sequence[Window], notes: tuple[str, ...]) -> GeneratedSound:
        rate_hz = self.pipeline.sample_rate_hz
        waves = [stem.waves[window.index] for window in touched]
        wave = stitch(waves, touched, rate_hz, round(self.duration_s * rate_hz))
        around = np.zeros((len(self.windows), *self.pipeline.latent_shape), np.float32)
        if stem.plan.base is not None and stem.plan.base.latents is not None:
            around = stem.plan.base.latents.copy()
        for index, latent in stem.latents.items():
            around[index] = latent
        return GeneratedSound(wave, rate_hz, around, notes)

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

    def _request(self, stem: _UnderWay, window: Window) -> WindowRequest:
        start = round(window.start_s / self.pipeline.column_s)
        plan, asked = stem.plan, stem.plan.asked
        return WindowRequest(
            events=tuple(map(as_described, events_between(plan.events, window.start_s, window.end_s))),
            # A clip without any onsets is one of which nobody knows when it hits.
            onsets=plan.onsets.between(window.start_s, window.end_s) if len(plan.onsets) else None,
            negative=asked.negative,
            semantic_scale=asked.semantic_scale,
            temporal_scale=asked.temporal_scale,
            guidance_scale=asked.guidance_scale,
            classifier_scale=asked.classifier_scale,
            onset_guidance=asked.onset_guidance,
            steps=asked.steps,
            noise=stem.noise[start : start + self.pipeline.latent_shape[2]].permute(1, 2, 0),
            start_from=None if stem.laid is None else (self._encoded(stem.laid, window), _new_share(plan)),
            keep=self._kept(window, stem.latents, plan),
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
        self, window: Window, finished: Mapping[int, np.ndarray], plan: StemPlan
    ) -> tuple[torch.Tensor, torch.Tensor] | None:
        """What of a window is there already, as `stream` takes it: what a fix leaves, and what neighbours share."""
        if plan.base is not None and plan.base.latents is not None and plan.fix is not None:
            latent = torch.from_numpy(plan.base.latents[window.index].copy())
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

    def _laid(self, plan: StemPlan, windows: tuple[Window, ...]) -> np.ndarray | None:
        """The samples that the diffusion begins with, float32 (N,) at 16 kHz; None where it begins with noise."""
        if not plan.samples:
            return None
        return lay_samples(plan, SAMPLE_RATE_HZ, round(windows[-1].end_s * SAMPLE_RATE_HZ))

    def _encoded(self, laid: np.ndarray, window: Window) -> torch.Tensor:
        start, end = (round(time_s * SAMPLE_RATE_HZ) for time_s in (window.start_s, window.end_s))
        return self.pipeline.encode(log_mel(torch.from_numpy(np.clip(laid[start:end], -1.0, 1.0))))


def as_described(event: SoundEvent) -> SoundEvent:
    """An event as the model reads it, without how it is made and mixed, so that a fader makes no new sound."""
    return replace(event, source=None, samples=(), gain_db=0.0, muted=False)


def _batches(
    stems: Sequence[_UnderWay], touched: Sequence[Window], at_once: int
) -> Iterator[list[tuple[_UnderWay, Window]]]:
    """Windows of all stems, up to `at_once` together; those of one stem in the order in which they hear each other."""
    for apart in in_rounds(touched, max(1, len(touched))):
        pairs = [(stem, window) for stem in stems for window in apart]
        for start in range(0, len(pairs), at_once):
            yield pairs[start : start + at_once]


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


def _window_steps(plan: StemPlan) -> int:
    return max(1, round(_new_share(plan) * plan.asked.steps)) + 1


def _new_share(plan: StemPlan) -> float:
    """How much of the way from pure noise the diffusion goes."""
    return max(_LEAST_NEW, plan.new_share)


def _cache_key(made_by: tuple[str, str], request: WindowRequest) -> str:
    """Made of all fields of the request, so that a new field becomes part of it by itself."""
    return Cache.key("window-4", made_by, {one.name: _plain(getattr(request, one.name)) for one in fields(request)})


def _plain(value: Any) -> Any:
    """A value as `Cache.key` takes it."""
    if isinstance(value, torch.Tensor):
        return value.cpu().numpy()
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value
