"""Blind listening tests and what their ratings say."""
