"""What a dub is made from: the controls with nothing left open, and the stretch of the clip that they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rhythmic_foley.audio.mixing import Mix
from rhythmic_foley.describe.sounds import goes_on
from rhythmic_foley.describe.tightening import is_hit
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import UNKNOWN, SoundEvent, Suggestion, events_between
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis, Take, TakeSound
from rhythmic_foley.values.seeds import draw_seed

_TIMES_NAMED = 5  # of onsets that cannot be heard
_SLACK_S = 0.05

UNKNOWN_NOTE = "Nobody could say what sounds here; describe it for a better result, now only the timing is used."
# Stands for whatever hits where no suggestion is likelier than `WEAK`.
GENERIC_HIT, WEAK = "object impact", 0.02


@dataclass(frozen=True)
class Stretch:
    """The part of a clip that is dubbed.

    Attributes:
        path: a file with just its picture.
        interval: where in the clip it lies.
        notes: sentences for the person.
    """

    path: Path
    interval: Interval
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length of the picture."""
        return self.interval.duration_s


@dataclass(frozen=True)
class TakeToFix:
    """A take of which a stretch is made anew, its sound and its mix."""

    take: Take
    sound: TakeSound
    mix: Mix


@dataclass(frozen=True)
class DubPlan:
    """What one take is made from. Its times count from the beginning of `stretch`, those of `asked` in the whole clip.

    Attributes:
        asked: the controls as they go into the settings file: proposals taken over, the seed drawn.
        events: what sounds when.
        onsets: when something hits.
        seed: of this take.
        stretch: what is dubbed.
        fix: the stretch that is made anew; None for all of it.
        base: what stays around `fix`.
        notes: sentences for the person: what was chosen for them, what of the controls cannot be met.
    """

    asked: Controls
    events: tuple[SoundEvent, ...]
    onsets: Onsets
    seed: int
    stretch: Stretch
    fix: Interval | None = None
    base: TakeToFix | None = None
    notes: tuple[str, ...] = ()

    def with_seed(self, seed: int) -> DubPlan:
        """The plan of another take: the same but for its seed."""
        return replace(self, seed=seed, asked=replace(self.asked, seed=seed, takes=1))


def resolve_controls(analysis: Analysis, controls: Controls, stretch: Stretch, base: TakeToFix | None) -> DubPlan:
    """Fill in what the controls leave open: the proposals of the analysis (or what the take to fix has), and the seed.

    Raises:
        FoleyError: if the stretch to fix lies outside of the take.
    """
    before = base.take.controls if base else Controls(events=analysis.events, onsets=analysis.onsets)
    events = (before.events if controls.events is None else controls.events) or ()
    if controls.text is not None and controls.text.strip():
        events = (SoundEvent(controls.text.strip()),)
    onsets = (before.onsets if controls.onsets is None else controls.onsets) or Onsets()
    events, note = name_unknown(events, analysis.suggestions, onsets)
    if base is None and controls.onsets is None:
        onsets = drop_onsets_of_sustained(onsets, events)
    seed = draw_seed() if controls.seed is None else controls.seed
    # The onsets stand in the settings themselves, which therefore need no guide any more.
    asked = replace(controls, events=events, onsets=onsets, seed=seed, text=None, guide=None)
    if base is not None:
        asked = replace(
            asked,
            range_s=before.range_s,
            loudness_lufs=before.loudness_lufs,
            keep_original_db=before.keep_original_db,
        )
    if asked.range_s is not None:
        start_s, end_s = stretch.interval.start_s, stretch.interval.end_s
        events, onsets = events_between(events, start_s, end_s), onsets.between(start_s, end_s)
    else:
        onsets = onsets.between(0.0, stretch.duration_s)
    notes = (*stretch.notes, note, *_notes(asked, analysis.clip, stretch))
    return DubPlan(asked, events, onsets, seed, stretch, _local_fix(asked, stretch), base, notes)


def _notes(asked: Controls, clip: ClipInfo, stretch: Stretch) -> Iterator[str]:
    """What of the controls the clip cannot give, in sentences."""
    late_s = [time_s for time_s in (asked.onsets or Onsets()).times_s if time_s >= clip.duration_s]
    if late_s:
        times = ", ".join(f"{time_s:.2f}" for time_s in late_s[:_TIMES_NAMED])
        more = f" and {len(late_s) - _TIMES_NAMED} more" if len(late_s) > _TIMES_NAMED else ""
        what = "An onset lies" if len(late_s) == 1 else f"{len(late_s)} onsets lie"
        yield f"{what} after the clip's end at {clip.duration_s:.2f} s and cannot be heard: {times}{more}."
    if asked.fix is not None and asked.fix.end_s > stretch.interval.end_s + _SLACK_S:
        yield f"What to fix ends at {asked.fix.end_s:g} s, but the take ends at {stretch.interval.end_s:.2f} s."
    if asked.keep_original_db is not None and not clip.has_audio:
        yield "The clip has no sound of its own that could be kept."


def name_unknown(
    events: tuple[SoundEvent, ...], suggestions: Sequence[Suggestion], onsets: Onsets
) -> tuple[tuple[SoundEvent, ...], str]:
    """Where the describer is not sure and the person named nothing, take the likeliest suggestion that fits.

    Args:
        events: as proposed or as the person left them.
        suggestions: of the describer, the likeliest first.
        onsets: where something hits, the first suggestion that comes in hits is taken.

    Returns:
        The events, and a sentence for the person, "" if nothing had to be chosen.
    """
    if not events or any(event.label != UNKNOWN for event in events):
        return events, ""
    fitting = [one for one in suggestions if is_hit(one.label)] if len(onsets) else []
    chosen = next(iter(fitting or suggestions), None)
    if chosen is None or (len(onsets) and chosen.confidence < WEAK):
        chosen = Suggestion(GENERIC_HIT, 0.0) if len(onsets) else chosen
    if chosen is None:
        return events, UNKNOWN_NOTE
    note = f'Not sure what sounds here, so "{chosen.label}" was taken; if it is something else, say what sounds.'
    named = tuple(replace(event, label=chosen.label, detail="", confidence=chosen.confidence) for event in events)
    return named, note


def likeliest_events(analysis: Analysis) -> tuple[tuple[SoundEvent, ...], str]:
    """The proposed events, or the likeliest suggestion where the describer is not sure, and a sentence about that."""
    return name_unknown(analysis.events, analysis.suggestions, analysis.onsets)


def drop_onsets_of_sustained(onsets: Onsets, events: tuple[SoundEvent, ...]) -> Onsets:
    """Proposed onsets, none where everything described goes on without hits: rain must not be chopped by motion.

    A describer that is less sure of such sounds than the detector is of its onsets (their mean strength) does not drop
    them: hammering that was taken for a potter's wheel keeps its hits. What a person says is sure.
    """
    if not len(onsets) or not events or not all(goes_on(event.label) for event in events):
        return onsets
    doubtful = max(event.confidence for event in events) < sum(onsets.strengths) / len(onsets)
    return onsets if doubtful else Onsets()


def _local_fix(asked: Controls, stretch: Stretch) -> Interval | None:
    """The stretch to fix, counted from the beginning of what is dubbed.

    Raises:
        FoleyError: if it lies outside of that.
    """
    if asked.fix is None:
        return None
    fix, whole = asked.fix.interval, stretch.interval
    if not fix.overlaps(whole):
        raise FoleyError(
            f"What to fix lies outside of the take, which goes from {whole.start_s:.2f} to {whole.end_s:.2f} s."
        )
    local = fix.shift(-whole.start_s)
    return Interval(max(0.0, local.start_s), local.end_s)
