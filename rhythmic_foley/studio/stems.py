"""The stems of a take: each event's part of it, and what that is made of."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rhythmic_foley.audio.mixing import with_stretch
from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.describe.sounds import goes_on
from rhythmic_foley.library.sample import HIT, Sample
from rhythmic_foley.library.sampler import Layout, lay_event
from rhythmic_foley.studio.dub_plan import DubPlan
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import MODEL, SAMPLES, UNKNOWN, SoundEvent
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.limits import LATEST_S
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import StemSound


@dataclass(frozen=True)
class StemPlan:
    """What one stem is made from. Its times count from the beginning of what is dubbed.

    Attributes:
        asked: the controls of the whole take.
        events: what sounds when; one event, unless all are made together.
        onsets: when it hits.
        seed: of this take.
        source: `MODEL`, `SAMPLES` or `BLEND`.
        samples: what is laid at the onsets; none for the model alone.
        fix: the stretch that is made anew; None for all of it.
        base: what stays around `fix`.
    """

    asked: Controls
    events: tuple[SoundEvent, ...]
    onsets: Onsets
    seed: int
    source: str = MODEL
    samples: tuple[Sample, ...] = ()
    fix: Interval | None = None
    base: StemSound | None = None

    @property
    def label(self) -> str:
        """What it is called."""
        return ", ".join(dict.fromkeys(event.label for event in self.events)) or UNKNOWN

    @property
    def new_share(self) -> float:
        """How much of the way from pure noise the diffusion goes; 0 where the samples stay as they are."""
        if self.source == SAMPLES:
            return 0.0
        return 1.0 if self.source == MODEL else 1.0 - self.asked.reference_strength


def split_into_stems(plan: DubPlan) -> tuple[StemPlan, ...]:
    """A plan for each event; for all together where there is one or nobody knows what sounds.

    An event has the onsets of its own time, and none if it goes on without hits. Onsets outside of every event's time
    go to the nearest event that hits.
    """
    known = [event for event in plan.events if event.label != UNKNOWN]
    unknown = tuple(event for event in plan.events if event.label == UNKNOWN)
    if len(plan.events) < 2 or not known:
        return (_stem(plan, plan.events, plan.onsets),)
    groups = [*((event,) for event in known), *([unknown] if unknown else ())]
    hits = [Onsets() if all(goes_on(event.label) for event in group) else plan.onsets for group in groups]
    shares = [_within(onsets, group) for onsets, group in zip(hits, groups, strict=True)]
    if len(known) == len(plan.events):
        shares = _with_orphans(plan.onsets, groups, hits, shares)
    return tuple(_stem(plan, group, share) for group, share in zip(groups, shares, strict=True))


def lay_samples(plan: StemPlan, sample_rate_hz: int, length: int) -> np.ndarray:
    """The samples of a stem, laid when it sounds. Returns float32 (length,).

    Hits without onsets are heard once, at the beginning of their event.

    Raises:
        FoleyError: if a recording cannot be read.
    """
    start_s = min((event.start_s for event in plan.events), default=0.0)
    ends_s = [event.end_s for event in plan.events]
    end_s = None if not ends_s or None in ends_s else max(end for end in ends_s if end is not None)
    onsets = plan.onsets
    if plan.samples[0].cut.use == HIT and not len(onsets):
        onsets = Onsets.of([start_s])
    end = length if end_s is None else round(end_s * sample_rate_hz)
    layout = Layout(onsets, round(start_s * sample_rate_hz), end, length)
    # Two events of one take must not vary in step.
    return lay_event(plan.samples, layout, sample_rate_hz, zlib.crc32(plan.label.encode()) ^ plan.seed)


def with_bases(plans: Sequence[StemPlan], base: Sequence[StemSound], fix: Interval) -> tuple[StemPlan, ...]:
    """Plans of a fix, each with the stem of the earlier take that it goes on with; a new event has none."""
    if len(plans) == len(base) == 1:
        return (replace(plans[0], fix=fix, base=base[0]),)
    left = list(base)
    found = []
    for plan in plans:
        same = next((stem for stem in left if stem.label == plan.label), None)
        left = [stem for stem in left if stem is not same]
        found.append(replace(plan, fix=fix, base=same))
    return tuple(found)


def patch_stem(plan: StemPlan, made: np.ndarray, latents: np.ndarray | None, rate_hz: int) -> StemSound:
    """What was made for a stem; of a fix only the stretch, with the earlier stem (or silence) around it.

    Args:
        made: (N,) at the take's rate.
    """
    if plan.fix is None:
        return StemSound(plan.label, made, latents)
    around = np.zeros_like(made) if plan.base is None else fit_length(plan.base.wave, len(made))
    return StemSound(plan.label, with_stretch(around, made, rate_hz, plan.fix.start_s, plan.fix.end_s), latents)


def in_order_of(
    base: Sequence[StemSound], made: Sequence[StemSound], plans: Sequence[StemPlan], rate_hz: int
) -> tuple[StemSound, ...]:
    """The stems of a fixed take: those of the earlier one, silent in the stretch where they are not made anew, and
    then the new ones."""
    fix = plans[0].fix
    if fix is None:
        return tuple(made)
    anew = {id(plan.base): stem for plan, stem in zip(plans, made, strict=True) if plan.base is not None}
    stems = []
    for old in base:
        silent = with_stretch(old.wave, np.zeros_like(old.wave), rate_hz, fix.start_s, fix.end_s)
        stems.append(anew.get(id(old), StemSound(old.label, silent, old.latents)))
    return (*stems, *(stem for plan, stem in zip(plans, made, strict=True) if plan.base is None))


def _stem(plan: DubPlan, events: tuple[SoundEvent, ...], onsets: Onsets) -> StemPlan:
    return StemPlan(plan.asked, events, onsets, plan.seed)


def _within(onsets: Onsets, events: Sequence[SoundEvent]) -> Onsets:
    """The onsets while any of the events sounds."""
    spans = [(event.start_s, LATEST_S if event.end_s is None else event.end_s) for event in events]
    return _some(onsets, lambda time_s: any(start_s <= time_s < end_s for start_s, end_s in spans))


def _with_orphans(
    onsets: Onsets, groups: Sequence[Sequence[SoundEvent]], hits: Sequence[Onsets], shares: Sequence[Onsets]
) -> list[Onsets]:
    """The shares, and each onset that is in none with the nearest event that hits."""
    taken = {time_s for share in shares for time_s in share.times_s}
    hitting = [number for number, one in enumerate(hits) if len(one)]
    added: dict[int, set[float]] = {number: set() for number in range(len(groups))}
    for time_s in onsets.times_s:
        if time_s not in taken and hitting:
            added[min(hitting, key=lambda number: _distance_s(time_s, groups[number][0]))].add(time_s)
    mine = [{*share.times_s, *added[number]} for number, share in enumerate(shares)]
    return [_some(onsets, own.__contains__) for own in mine]


def _distance_s(time_s: float, event: SoundEvent) -> float:
    return max(event.start_s - time_s, time_s - (LATEST_S if event.end_s is None else event.end_s), 0.0)


def _some(onsets: Onsets, wanted: Callable[[float], bool]) -> Onsets:
    pairs = [pair for pair in zip(onsets.times_s, onsets.strengths, strict=True) if wanted(pair[0])]
    return Onsets.of([time_s for time_s, _ in pairs], [strength for _, strength in pairs])
