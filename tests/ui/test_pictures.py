"""pictures: what the page says about a clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rhythmic_foley.media.reading import probe
from rhythmic_foley.ui.pictures import clip_facts


def test_facts_name_what_was_passed_over(clip: Path) -> None:
    info = probe(clip)
    assert "Notes" not in clip_facts(info)
    shown = clip_facts(replace(info, notes=("Sound track <1> was passed over.",)))
    assert "<dt>Notes</dt><dd>Sound track &lt;1&gt; was passed over.</dd>" in shown


def test_facts_say_when_a_browser_may_not_show_the_film(clip: Path) -> None:
    info = probe(clip)
    assert "may not show this film (hevc)" in clip_facts(replace(info, codec="hevc"))
    assert "may not show" not in clip_facts(replace(info, codec="vp9"))
