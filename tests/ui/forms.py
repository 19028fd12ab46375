"""A filled-in form, for tests."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from rhythmic_foley.ui.form import Form


def timeline(*marks: tuple[float, float]) -> dict[str, Any]:
    """What the browser sends of a timeline with onsets (time, strength)."""
    return {"onsets": [{"time_s": time_s, "strength": strength} for time_s, strength in marks], "events": []}


def values(form: Form) -> dict[str, Any]:
    """A form's values by the names of its controls."""
    return {field.name: getattr(form, field.name) for field in fields(form)}


FORM = Form(
    events=[["0", "", "dog barking", "small, close"]],
    text="",
    negative="music",
    timeline=timeline((0.3, 1.0), (0.8, 0.7)),
    range_from=0,
    range_to=1.0,
    semantic_scale=1.0,
    temporal_scale=1.0,
    guidance_scale=3.0,
    steps=2,
    seed="7",
    takes=1,
    keep_original=False,
    keep_original_db=-6.0,
    normalise=True,
    loudness_lufs=-16.0,
    source="auto",
    library=[],
    samples=None,
    reference_strength=0.5,
    stems=False,
    classifier_scale=0.0,
    onset_guidance=0.0,
    onsets_from="picture",
    guide=None,
)
