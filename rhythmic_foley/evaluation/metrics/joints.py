"""Are the joints of a long clip's windows heard? What changes across a joint, against what changes anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch

from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ, SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.signal import resample
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.windows import OVERLAP_S, Window, in_order, plan_windows, stitch

# Sounds that go on: in hits nobody could tell a joint from the next hit.
STEADY = ("rain falling", "car engine running", "ocean waves", "wind blowing")
_SPAN_S = 0.5  # on each side
_RANGE_DB = 100.0  # of a log-mel from 0 to 1

Latents = list[torch.Tensor]


@dataclass(frozen=True)
class Changes:
    """Changes from half a second before a place to half a second after it, over the length of an overlap.

    Attributes:
        energy_db: (places,) of the mean power, absolute.
        spectrum_db: (places,) of the mel bands' means, the mean of their absolute values.
        within_db: (places,) by how much the middle is louder than the mean of both sides.
    """

    energy_db: np.ndarray
    spectrum_db: np.ndarray
    within_db: np.ndarray


@dataclass(frozen=True)
class JointRow:
    """Medians over all joints of a method, and over as many places inside of windows."""

    method: str
    joints: Changes
    inside: Changes

    def cells(self) -> tuple[float, ...]:
        return tuple(
            float(np.median(part))
            for part in (
                self.joints.energy_db,
                self.inside.energy_db,
                self.joints.spectrum_db,
                self.inside.spectrum_db,
                self.joints.within_db,
            )
        )


def changes(mel: np.ndarray, places_s: Sequence[float]) -> Changes:
    """Changes of a log-mel (128, frames) across places, each given by the beginning of its overlap."""
    level_db = _RANGE_DB * np.asarray(mel, dtype=np.float64)
    power = (10 ** (level_db / 10)).sum(axis=0)
    energy_db, spectrum_db, within_db = [], [], []
    for start_s in places_s:
        edges = [round(t * MEL_FRAME_RATE_HZ) for t in (start_s - _SPAN_S, start_s, start_s + OVERLAP_S)]
        before, over = slice(edges[0], edges[1]), slice(edges[1], edges[2])
        after = slice(edges[2], edges[2] + edges[1] - edges[0])
        sides = [_db(power[part].mean()) for part in (before, after)]
        energy_db.append(abs(sides[1] - sides[0]))
        spectrum_db.append(np.abs(level_db[:, after].mean(axis=1) - level_db[:, before].mean(axis=1)).mean())
        within_db.append(_db(power[over].mean()) - sum(sides) / 2)
    return Changes(*(np.asarray(values) for values in (energy_db, spectrum_db, within_db)))


def places(windows: Sequence[Window]) -> tuple[list[float], list[float]]:
    """Where windows overlap, and as long stretches that lie inside of one window each."""
    joints = [window.start_s for window in windows[1:]]
    length_s = windows[0].end_s - windows[0].start_s
    middle_s = (length_s - OVERLAP_S) / 2
    return joints, [window.start_s + middle_s for window in windows]


def apart(windows: Sequence[Window], make: Callable[..., torch.Tensor]) -> Latents:
    """Every window for itself; only the cross-fade joins them."""
    return [make(window) for window in windows]


def in_turn(windows: Sequence[Window], make: Callable[..., torch.Tensor]) -> Latents:
    """One after the other, each holding the end of the one before."""
    made: Latents = []
    for window in windows:
        made.append(make(window, before=made[-1] if made else None))
    return made


def alternating(windows: Sequence[Window], make: Callable[..., torch.Tensor]) -> Latents:
    """As the product does it: every other window first, those between hold both neighbours."""
    made: dict[int, torch.Tensor] = {}
    for window in in_order(windows):
        made[window.index] = make(window, before=made.get(window.index - 1), after=made.get(window.index + 1))
    return [made[window.index] for window in windows]


METHODS: Mapping[str, Callable[..., Latents]] = MappingProxyType(
    {"apart": apart, "in turn": in_turn, "alternating": alternating}
)


@torch.no_grad()
def compare_joints(
    pipeline: RhythmicFoleyPipeline, *, sounds: Sequence[str] = STEADY, joints: int = 4, steps: int | None = None
) -> Iterator[JointRow]:
    """A row for each way of joining windows, all from the same noise."""
    step_s = pipeline.window_s - OVERLAP_S
    windows = plan_windows(pipeline.window_s + joints * step_s, pipeline.window_s, OVERLAP_S)
    at, inside = places(windows)
    for name, method in METHODS.items():
        found = []
        for seed, text in enumerate(sounds):
            latents = method(windows, _maker(pipeline, text, seed, windows, steps))
            mel = _heard(pipeline, windows, latents)
            found.append((changes(mel, at), changes(mel, inside)))
        yield JointRow(name, *(_all(part) for part in zip(*found, strict=True)))


def print_joints(rows: Sequence[JointRow]) -> str:
    """The rows as a Markdown table of medians in decibels."""
    lines = [
        "| windows made | energy changes at joints | inside | spectrum changes at joints | inside | louder within |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [f"| {row.method} | {' | '.join(f'{value:.2f}' for value in row.cells())} |" for row in rows]
    return "\n".join(lines)


def _maker(
    pipeline: RhythmicFoleyPipeline, text: str, seed: int, windows: Sequence[Window], steps: int | None
) -> Callable[..., torch.Tensor]:
    channels, rows, columns = pipeline.latent_shape
    total, shared = round(windows[-1].end_s / pipeline.column_s), round(OVERLAP_S / pipeline.column_s)
    noise = torch.randn((channels, rows, total), generator=torch.Generator().manual_seed(seed))

    def make(window: Window, before: torch.Tensor | None = None, after: torch.Tensor | None = None) -> torch.Tensor:
        latent, anew = torch.zeros(pipeline.latent_shape), torch.ones(columns)
        if before is not None:
            latent[..., :shared], anew[:shared] = before[..., -shared:], 0
        if after is not None:
            latent[..., -shared:], anew[-shared:] = after[..., :shared], 0
        first = round(window.start_s / pipeline.column_s)
        keep = None if anew.all() else (latent, anew)
        events = (SoundEvent(text),)
        return pipeline(events=events, noise=noise[..., first : first + columns], steps=steps, keep=keep).latent

    return make


def _heard(pipeline: RhythmicFoleyPipeline, windows: Sequence[Window], latents: Latents) -> np.ndarray:
    """Log-mel (128, frames) of the sound as it is stitched."""
    rate_hz = pipeline.sample_rate_hz
    waves = [
        pipeline.vocoder(pipeline.decode(latent[None]), window.start_s)[0].cpu().numpy()
        for window, latent in zip(windows, latents, strict=True)
    ]
    wave = stitch(waves, windows, rate_hz, round(windows[-1].end_s * rate_hz))
    return log_mel(torch.from_numpy(resample(wave, rate_hz, SAMPLE_RATE_HZ))).numpy()


def _all(parts: Sequence[Changes]) -> Changes:
    return Changes(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("energy_db", "spectrum_db", "within_db"))
    )


def _db(power: float) -> float:
    return 10 * float(np.log10(max(power, 1e-12)))
