"""Published weights: which there are, where they come from, and how they become a checkpoint of ours."""
