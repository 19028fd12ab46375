"""Make all stems of a take: laid from samples, or generated, or both."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rhythmic_foley.audio.signal import fit_length, resample
from rhythmic_foley.studio.meter import Meter
from rhythmic_foley.studio.stems import StemPlan, in_order_of, lay_samples, patch_stem
from rhythmic_foley.values.events import SAMPLES
from rhythmic_foley.values.results import GeneratedSound, Progress, StemSound, TakeSound

if TYPE_CHECKING:
    from rhythmic_foley.studio.generation import SoundMaker

# Of takes that are made of samples alone.
SAMPLES_RATE_HZ = 44_100


@dataclass(frozen=True)
class StemMaker:
    """Makes takes of one clip.

    Args:
        model: runs the pipeline; None where every stem is made of samples.
        duration_s: of the picture.
        rate_hz: of the sounds.
    """

    model: SoundMaker | None
    duration_s: float
    rate_hz: int

    def steps(self, plans: Sequence[StemPlan]) -> int:
        """How often `make` will report progress."""
        return sum(1 if plan.source == SAMPLES or self.model is None else self.model.steps(plan) for plan in plans)

    def make(
        self, plans: Sequence[StemPlan], meter: Meter, base: Sequence[StemSound] = ()
    ) -> Generator[Progress, None, TakeSound]:
        """The sound of one take.

        Args:
            base: the stems of the take of which a stretch is made anew.
        """
        made: dict[int, StemSound] = {}
        notes: dict[str, None] = {}
        for number, plan in enumerate(plans):
            if plan.source == SAMPLES:
                wave = lay_samples(plan, self.rate_hz, round(self.duration_s * self.rate_hz))
                made[number] = patch_stem(plan, wave, None, self.rate_hz)
                yield meter.tick(f"{meter.label}: laying samples for {plan.label}")
        left = sorted((n for n in range(len(plans)) if n not in made), key=lambda n: plans[n].new_share)
        for _, alike in groupby(left, key=lambda n: plans[n].new_share):
            numbers = sorted(alike)
            if self.model is None:
                raise ValueError("these stems need the model")
            sounds = yield from self.model.make_together([plans[n] for n in numbers], meter)
            for number, sound in zip(numbers, sounds, strict=True):
                made[number] = self._stem(plans[number], sound)
                notes |= dict.fromkeys(sound.notes)
        stems = in_order_of(base, [made[number] for number in range(len(plans))], plans, self.rate_hz)
        return TakeSound(stems, self.rate_hz, tuple(notes))

    def _stem(self, plan: StemPlan, sound: GeneratedSound) -> StemSound:
        wave = resample(sound.wave, sound.rate_hz, self.rate_hz)
        if sound.rate_hz != self.rate_hz:
            wave = fit_length(wave, round(self.duration_s * self.rate_hz))
        return patch_stem(plan, wave, sound.latents, self.rate_hz)
