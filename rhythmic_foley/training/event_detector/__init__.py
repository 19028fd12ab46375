"""How the event detector is made: drawn clips with exact contact times, features, and a training stage."""
