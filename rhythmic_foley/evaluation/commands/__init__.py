"""The kinds of `rhythmic-foley evaluate`."""
