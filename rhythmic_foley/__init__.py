"""Rhythmic Foley: what sounds in a silent clip, when, and a soundtrack that keeps that time.

Nothing is imported here, so that the value types (`rhythmic_foley.onsets`, `.events`, `.windows`) load without torch.
Start from `rhythmic_foley.studio.Studio`.
"""

__version__ = "0.1.0"
