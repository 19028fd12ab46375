"""What people say is not dubbed unless somebody writes it among the sounds: no model here can speak."""

from __future__ import annotations

import re
from dataclasses import replace

from rhythmic_foley.describe.base import Description, unknown

_SPEECH = re.compile(
    r"\b(?:talk(?:s|ing)?|speak(?:s|ing)?|speech(?:es)?|spoken|conversations?|convers(?:es|ing)|narrat\w+|dialogues?"
    r"|voice-?overs?|commentat\w+|lectur(?:e|es|ing)|interview\w*|(?:human|male|female|man's|woman's) voices?)\b",
    re.IGNORECASE,
)


def is_speech(label: str) -> bool:
    """Whether a sound is somebody's words: "person talking", "a man speaks"; not so chatter, laughter or a cough."""
    return bool(_SPEECH.search(label))


def without_speech(description: Description) -> Description:
    """A description without what people say, also among the suggestions, and a note about that."""
    quiet = tuple(one for one in description.suggestions if not is_speech(one.label))
    if quiet != description.suggestions:
        description = replace(description, suggestions=quiet)
    spoken = [event.label for event in description.events if is_speech(event.label)]
    if not spoken:
        return description
    rest = tuple(event for event in description.events if not is_speech(event.label))
    note = f"Speech is left out ({', '.join(dict.fromkeys(spoken))}); write it among the sounds if you want it."
    return replace(description, events=rest or (unknown(),), notes=(*description.notes, note))
