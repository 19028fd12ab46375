"""What programs may ask for reaches the studio."""

from __future__ import annotations

from pathlib import Path

import pytest
from ui.fake_studio import FakeStudio

from rhythmic_foley.ui.api import Endpoints
from rhythmic_foley.ui.handlers import Studios
from rhythmic_foley.ui.sessions import Visits


@pytest.mark.parametrize(
    ("given", "asked"),
    [({}, None), ({"describer": "mini-gemini"}, "mini-gemini"), ({"describer": "large", "text": "rain"}, "nobody")],
)
def test_a_dub_asks_the_describer_that_is_named(
    clip: Path, tmp_path: Path, given: dict[str, str], asked: str | None
) -> None:
    studio = FakeStudio()
    *_, (videos, wavs, _, about) = Endpoints(Studios(studio), Visits(tmp_path)).dub(str(clip), seed=3, **given)
    assert studio.asked == [asked]
    assert len(videos) == len(wavs) == 1 and about["takes"][0]["seed"] == 3


def test_onsets_come_from_where_a_program_says(clip: Path, tmp_path: Path) -> None:
    studio = FakeStudio()
    there = Endpoints(Studios(studio), Visits(tmp_path))
    *_, found = there.analyse(str(clip), onsets_from="both")
    list(there.dub(str(clip), seed=3, guide="taps.wav"))
    assert studio.heard == [("both", None), ("picture", Path("taps.wav"))]
    assert found["alternatives"]["every-second"] == {"onsets_s": [0.3], "strengths": [1.0]}
    assert len(found["alternatives"]["other-phase"]["onsets_s"]) == 2
