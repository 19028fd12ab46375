"""Mini-Gemini (arXiv 2403.18814): a language model that looks at a picture at two resolutions."""

from rhythmic_foley.models.mini_gemini.configuration import MiniGeminiConfig
from rhythmic_foley.models.mini_gemini.model import MiniGeminiForConditionalGeneration
from rhythmic_foley.models.mini_gemini.processing import MiniGeminiProcessor

__all__ = ["MiniGeminiConfig", "MiniGeminiForConditionalGeneration", "MiniGeminiProcessor"]
