"""Which describer a name means."""

from __future__ import annotations

from rhythmic_foley.describe.base import Describer

EMBEDDED = "embedded"


def open_describer(name: str, fallback: Describer) -> Describer:
    """The describer that a person names; nothing is loaded before its first clip.

    Args:
        name: "embedded" for `fallback` itself; a folder with a published Mini-Gemini; or a folder or hub name of any
            image-text-to-text model of transformers.
        fallback: speaks where the named one says nothing of use.

    Raises:
        FoleyError: if a folder holds no model that can be read.
    """
    if name == EMBEDDED:
        return fallback
    # The libraries of large describers take seconds to import: only who names one waits for them.
    from rhythmic_foley.describe.image_text_to_text import ImageTextToTextDescriber
    from rhythmic_foley.describe.mini_gemini import MiniGeminiDescriber
    from rhythmic_foley.models.mini_gemini.configuration import is_published

    if is_published(name):
        return MiniGeminiDescriber.from_pretrained(name, fallback=fallback)
    return ImageTextToTextDescriber.from_pretrained(name, fallback=fallback)
