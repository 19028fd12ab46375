"""The onset timeline: a component of the page on which people see, add, move and weigh the moments of a clip."""

from rhythmic_foley.ui.timeline.component import OnsetTimeline
from rhythmic_foley.ui.timeline.value import (
    events_from_value,
    onsets_from_value,
    selection_from_value,
    threshold_from_value,
    timeline_value,
)

__all__ = [
    "OnsetTimeline",
    "events_from_value",
    "onsets_from_value",
    "selection_from_value",
    "threshold_from_value",
    "timeline_value",
]
