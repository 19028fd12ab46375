"""What is made of finished takes: posts for platforms, comparison videos, comparisons of sounds."""
