"""When something hits, seen in the picture."""
