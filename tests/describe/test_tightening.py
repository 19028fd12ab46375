"""Described sounds and the stretch of the clip in which something happens."""

from __future__ import annotations

import pytest

from rhythmic_foley.describe.tightening import is_hit, tightened
from rhythmic_foley.values.events import UNKNOWN, SoundEvent


@pytest.mark.parametrize("label", ["hammer hit", "ball bouncing", "footsteps on gravel", "a door slams", "gunshots"])
def test_what_comes_in_hits(label: str) -> None:
    assert is_hit(label)


@pytest.mark.parametrize("label", ["engine running", "wind", "rain falling", "dog barking", "humming", UNKNOWN])
def test_what_does_not_or_may_not(label: str) -> None:
    assert not is_hit(label)


def test_hits_last_from_the_first_to_the_last_peak_and_a_little_more() -> None:
    (event,) = tightened([SoundEvent("hammer hit")], [1.0, 2.5, 4.0], 8.0)
    assert (event.start_s, event.end_s) == (0.8, 4.75)


def test_an_event_stays_within_its_own_time() -> None:
    first, second = tightened(
        [SoundEvent("ball bouncing", "", 3.0, None), SoundEvent("hammer hit", "", 0.5, 3.0)], [0.6, 2.9, 3.1, 7.9], 8.0
    )
    assert (first.start_s, first.end_s) == (0.5, 3.0)
    assert (second.start_s, second.end_s) == (3.0, None)


@pytest.mark.parametrize(
    "event",
    [
        SoundEvent("rain falling"),
        SoundEvent("knocking", "background"),
        SoundEvent(UNKNOWN),
        SoundEvent("hit", "", 6.0),
    ],
)
def test_what_goes_on_or_has_no_peak_stays(event: SoundEvent) -> None:
    assert tightened([event], [1.0, 2.0], 8.0) == (event,)
