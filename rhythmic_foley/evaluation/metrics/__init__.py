"""Numbers about sounds and onsets."""
