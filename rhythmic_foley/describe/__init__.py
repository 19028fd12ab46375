"""Who says what sounds: every describer follows `Describer`; `embedded` holds the one that needs no download."""

from rhythmic_foley.describe.base import Describer, unknown

__all__ = ["Describer", "unknown"]
