"""What is measured: the product or one of its parts over a set of sounds or clips."""
