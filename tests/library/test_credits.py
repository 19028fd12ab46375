from __future__ import annotations

from pathlib import Path

from rhythmic_foley.library.credits import credits_note, credits_text
from rhythmic_foley.library.sample import Cut, Sample, Source

CUT = Cut("hit", 0.0, 0.0, 1.0, -10.0, True)
OWED = Sample(Path("door.ogg"), CUT, ("door",), source=Source("CC-BY-3.0", "Ann", "a-package", "a/door.wav"))
FREE = Sample(Path("dog.ogg"), CUT, ("dog",), source=Source("CC0-1.0", "Bob", "b-package", "b/dog.wav"))
OWN = Sample(Path("mine.wav"), CUT, ("mine",))


def test_what_must_be_credited_is_said_in_one_line():
    assert credits_note([FREE, OWED, OWED]).startswith("Credit Ann where you publish this")
    assert credits_note([FREE]) == "No sample in this take has to be credited."
    assert "your own sounds" in credits_note([OWN])


def test_the_credits_name_title_author_licence_and_source():
    text = credits_text([OWED, FREE, OWN])
    owed, free = text.split("No credit needed:")
    assert '"door" by Ann, CC-BY-3.0 https://creativecommons.org/licenses/by/3.0/, from a-package (a/door.wav)' in owed
    assert "Bob" in free and "mine.wav, your own recording" in free
