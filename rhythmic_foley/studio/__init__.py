"""The job: analyse a clip, dub it. Everything that a person calls goes through here."""

from typing import TYPE_CHECKING

from rhythmic_foley.lazy import lazy_face

if TYPE_CHECKING:
    from rhythmic_foley.studio.studio import Asking as Asking
    from rhythmic_foley.studio.studio import Studio as Studio

__getattr__ = lazy_face(
    __name__,
    {
        "Studio": "studio",
        "Asking": "studio",
    },
)
