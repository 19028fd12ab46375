"""How the embedded describer learns to rank sounds: labelled clips and pictures, and the fit of its head."""
