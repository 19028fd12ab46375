"""Rhythmic Foley: what sounds in a silent clip, when, and a soundtrack that keeps that time.

Nothing heavy is imported here; each name is loaded when it is first used. Start from `Studio`.
"""

from typing import TYPE_CHECKING

from rhythmic_foley.lazy import lazy_face

if TYPE_CHECKING:
    from rhythmic_foley.studio.studio import Studio as Studio
    from rhythmic_foley.values.controls import Controls as Controls
    from rhythmic_foley.values.events import SoundEvent as SoundEvent
    from rhythmic_foley.values.onsets import Onsets as Onsets
    from rhythmic_foley.values.results import Take as Take

__version__ = "0.2.0"

__getattr__ = lazy_face(
    __name__,
    {
        "Studio": "studio.studio",
        "Controls": "values.controls",
        "Onsets": "values.onsets",
        "SoundEvent": "values.events",
        "Take": "values.results",
    },
)
