"""Seeds: all that other tools write, drawn where none is given."""

from __future__ import annotations

import hashlib
import random

from rhythmic_foley.errors import FoleyError, quoted

MAX_SEED = 2**64 - 1
DRAW = -1  # what other tools write for "draw one"
# Short to type, and exact in JavaScript, which rounds whole numbers above 2^53.
_MAX_DRAWN = 2**31 - 1
_GENERATOR_BITS = 32


def draw_seed() -> int:
    """A seed at random."""
    return random.SystemRandom().randint(0, _MAX_DRAWN)


def next_seed(seed: int, number: int) -> int:
    """The seed `number` after a seed; after the largest comes 0."""
    return (seed + number) % (MAX_SEED + 1)


def read_seed(text: str) -> int | None:
    """A seed as a person types it; None, which draws one, for nothing and for -1.

    Raises:
        FoleyError: if it is no seed.
    """
    text = text.strip()
    if text in ("", str(DRAW)):
        return None
    digits = text.lstrip("0") or "0"
    if not (text.isascii() and text.isdigit() and len(digits) <= len(str(MAX_SEED)) and int(digits) <= MAX_SEED):
        raise FoleyError(
            f"{quoted(text)} is not a seed; write a whole number from 0 to {MAX_SEED}, or {DRAW} to have one drawn."
        )
    return int(digits)


def generator_seed(seed: int) -> int:
    """The seed for torch's generator on the CPU, which would leave out all but the lowest 32 bits.

    Smaller seeds stay what they are. Larger ones are hashed (SHA-256), so that 2^32 + 5 does not sound like 5.
    """
    if seed < 2**_GENERATOR_BITS:
        return seed
    return int.from_bytes(hashlib.sha256(seed.to_bytes(8, "big")).digest()[: _GENERATOR_BITS // 8], "big")
