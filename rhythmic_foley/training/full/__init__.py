"""Adapters for the full-size model: data sets, their preparation, and the training."""
