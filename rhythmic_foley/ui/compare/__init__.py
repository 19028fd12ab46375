"""The compare component: sounds of one clip over one picture, swapped while it runs on, with their mels."""

from rhythmic_foley.ui.compare.value import compare_value
from rhythmic_foley.ui.compare.view import compare_view

__all__ = ["compare_value", "compare_view"]
