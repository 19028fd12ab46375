"""Decide what each stem is made of: the model, samples, or a blend of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.describe.sounds import goes_on
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.bank import FOLDER as BANK_FOLDER
from rhythmic_foley.library.choosing import BANK_THRESHOLD, OWN_THRESHOLD, choose_samples
from rhythmic_foley.library.cutting import cut_recording
from rhythmic_foley.library.sample import HIT, STRETCH, Sample
from rhythmic_foley.library.shelf import SoundLibrary
from rhythmic_foley.studio.stems import StemPlan
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import AUTO, BLEND, MODEL, SAMPLES, UNKNOWN, SoundEvent

_LONGEST_S = 60.0  # of a sound file that is named as a sample


@dataclass(frozen=True)
class Sourced:
    """Stems with what they are made of, and sentences about it for the person."""

    plans: tuple[StemPlan, ...]
    notes: tuple[str, ...] = ()

    @property
    def needs_model(self) -> bool:
        """Whether any of them is generated."""
        return any(plan.source != SAMPLES for plan in self.plans)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All samples that are used."""
        return tuple(sample for plan in self.plans for sample in plan.samples)


def needs_library(plans: Sequence[StemPlan]) -> bool:
    """Whether the library has to be looked through for any of the stems."""
    return any(
        asked_source(plan) != MODEL and not files_of(plan) and any(e.label != UNKNOWN for e in plan.events)
        for plan in plans
    )


def with_sources(plans: Sequence[StemPlan], library: SoundLibrary | None) -> Sourced:
    """Choose the source and the samples of each stem.

    Args:
        library: to look in; None if `needs_library` says no.

    Raises:
        FoleyError: if a named sound file cannot be used.
    """
    sourced, notes = [], []
    for plan in plans:
        samples, note = _samples(plan, library)
        source = asked_source(plan)
        if not samples:
            source = MODEL
        elif source == AUTO:
            source = SAMPLES
        sourced.append(replace(plan, source=source, samples=samples))
        notes.append(note)
    return Sourced(tuple(sourced), (*filter(None, notes), *_used(sourced)))


def asked_source(plan: StemPlan) -> str:
    """What a stem should be made of, as the event or the controls say; a blend of strength 0 is the model alone."""
    asked, event = plan.asked, _only(plan.events)
    source = asked.source if event is None or event.source is None else event.source
    if asked.reference is not None and asked.source == MODEL and (event is None or event.source is None):
        source = BLEND  # as older settings mean it
    if source == BLEND and asked.reference_strength in (0.0, 1.0):
        return SAMPLES if asked.reference_strength else MODEL
    return source


def files_of(plan: StemPlan) -> tuple[Path, ...]:
    """The sound files that are named for a stem."""
    event = _only(plan.events)
    own = event.samples if event is not None else ()
    return own or samples_of_all(plan.asked)


def samples_of_all(asked: Controls) -> tuple[Path, ...]:
    """The sound files for every event that names none itself."""
    return asked.samples or (() if asked.reference is None else (asked.reference,))


def read_samples(files: Sequence[Path]) -> tuple[Sample, ...]:
    """The hits of sound files that a person names, each from its attack on; stretches if all of them go on.

    Raises:
        FoleyError: if one cannot be read, is silent or far too long.
    """
    found: list[Sample] = []
    for path in files:
        if not path.is_file():
            raise FoleyError(f"There is no file {path.name} to take the sound from.")
        cuts = cut_recording(*read_wav(path, longest_s=_LONGEST_S))
        if not cuts:
            raise FoleyError(f"{path.name} is silent; give a sound of one hit.")
        found += [Sample(path, cut, (path.stem,)) for cut in cuts]
    hits = [one for one in found if one.cut.use == HIT]
    return tuple(hits or found)


def _samples(plan: StemPlan, library: SoundLibrary | None) -> tuple[tuple[Sample, ...], str]:
    """What a stem is laid from, and a sentence about it or nothing."""
    source, files = asked_source(plan), files_of(plan)
    if source == MODEL:
        return (), ""
    if files:
        return _as_hits(read_samples(files), plan), ""
    event = next((one for one in plan.events if one.label != UNKNOWN), None)
    if event is None or library is None:
        return (), "" if source == AUTO else "Nobody knows what sounds, so no samples can be looked for."
    found = choose_samples(library, event.label, event.detail, any_match=source != AUTO)
    if not found:
        return (), "" if source == AUTO else f"The library has no samples for {event.label}; the model makes it."
    nearest = found[0]
    samples = tuple(one.sample for one in found)
    own = BANK_FOLDER not in nearest.sample.path.parents
    note = ""
    if nearest.similarity < (OWN_THRESHOLD if own else BANK_THRESHOLD):
        note = f'The nearest samples to "{event.label}" are called "{nearest.sample.name}"; check that they fit.'
    return (_as_hits(samples, plan) if own else samples), note


def _as_hits(samples: tuple[Sample, ...], plan: StemPlan) -> tuple[Sample, ...]:
    """A person's own long recordings are laid at the onsets too, unless what sounds goes on without hits."""
    if not len(plan.onsets) or any(goes_on(event.label) for event in plan.events):
        return samples
    return tuple(
        replace(one, cut=replace(one.cut, use=HIT, attack_s=one.cut.start_s)) if one.cut.use == STRETCH else one
        for one in samples
    )


def _used(plans: Sequence[StemPlan]) -> list[str]:
    """One sentence that says what is made of what; nothing where the model makes all."""
    if all(plan.source == MODEL for plan in plans):
        return []
    ways: dict[str, Callable[[StemPlan], str]] = {
        SAMPLES: lambda plan: f"{plan.label} of {_count(plan)}",
        BLEND: lambda plan: f"{plan.label} blended from {_count(plan)}",
        MODEL: lambda plan: f"{plan.label} by the model",
    }
    return [f"Made: {', '.join(ways[plan.source](plan) for plan in plans)}."]


def _count(plan: StemPlan) -> str:
    count = len(plan.samples)
    where = "the bank" if BANK_FOLDER in plan.samples[0].path.parents else "your own"
    return f"{count} {'sample' if count == 1 else 'samples'} of {where}"


def _only(events: Sequence[SoundEvent]) -> SoundEvent | None:
    return events[0] if len(events) == 1 else None
