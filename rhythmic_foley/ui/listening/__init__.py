"""The listening test's page."""

from rhythmic_foley.ui.listening.page import build_listening, launch_listening

__all__ = ["build_listening", "launch_listening"]
