"""Speech is left out unless somebody asks for it."""

from __future__ import annotations

import pytest

from rhythmic_foley.describe.base import Description
from rhythmic_foley.describe.speech import is_speech, without_speech
from rhythmic_foley.values.events import UNKNOWN, SoundEvent


@pytest.mark.parametrize(
    "label", ["person talking", "A man speaks", "speech", "conversation of two people", "human voice", "narration"]
)
def test_words_are_speech(label: str) -> None:
    assert is_speech(label)


@pytest.mark.parametrize(
    "label",
    ["crowd chatter", "baby crying", "woman coughing", "laughter", "singing", "loudspeaker hum", "stalking cat"],
)
def test_other_voices_are_not(label: str) -> None:
    assert not is_speech(label)


def test_speech_is_left_out_and_that_is_said() -> None:
    said = Description((SoundEvent("person talking"), SoundEvent("door closing")), "someone", ("Noted.",))
    left = without_speech(said)
    assert [event.label for event in left.events] == ["door closing"]
    assert left.notes[0] == "Noted." and "Speech is left out (person talking)" in left.notes[1]
    assert without_speech(left) is left


def test_nothing_but_speech_is_unknown() -> None:
    left = without_speech(Description((SoundEvent("man talking"),), "someone"))
    assert [event.label for event in left.events] == [UNKNOWN] and left.notes
