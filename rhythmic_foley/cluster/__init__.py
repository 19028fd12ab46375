"""Dubs and trainings spread over many machines with Ray."""
