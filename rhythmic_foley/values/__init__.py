"""Values that people and modules exchange: when, what, and how. Frozen, checked, and light to import."""
