"""What the program needs of the machine: a cache, files written whole or not at all, memory."""
