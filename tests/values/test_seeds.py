"""Seeds: every 64-bit number, and -1 for one that is drawn."""

from __future__ import annotations

import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.seeds import MAX_SEED, draw_seed, generator_seed, next_seed, read_seed


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64 - 1])
def test_all_64_bit_seeds_are_taken_and_come_back(seed):
    assert read_seed(str(seed)) == seed
    assert Controls.from_json(Controls(seed=seed).to_json()).seed == seed
    assert Controls.from_json(f'{{"seed": "{seed}"}}').seed == seed


@pytest.mark.parametrize("text", ["", " ", "-1"])
def test_nothing_and_minus_one_draw_one(text):
    assert read_seed(text) is None
    assert Controls(seed=-1) == Controls() == Controls.from_json('{"seed": -1}')


@pytest.mark.parametrize("text", ["-2", "1e3", "0x10", "1.5", "1_000", "x", str(2**64), "9" * 5000, "\u0663"])
def test_what_is_no_seed_is_told(text):
    with pytest.raises(FoleyError, match=r"is not a seed; write a whole number from 0 to 18446744073709551615"):
        read_seed(text)


@pytest.mark.parametrize("seed", [-2, 2**64])
def test_seeds_out_of_range_are_told(seed):
    with pytest.raises(FoleyError, match="The seed must be between 0 and"):
        Controls(seed=seed)


def test_drawn_seeds_are_exact_in_javascript():
    assert all(0 <= draw_seed() < 2**53 for _ in range(100))


def test_takes_count_on_and_begin_again():
    assert next_seed(7, 2) == 9 and next_seed(MAX_SEED, 1) == 0


def test_large_seeds_differ_from_small_ones_and_small_ones_stay():
    assert generator_seed(5) == 5 and generator_seed(2**32 - 1) == 2**32 - 1
    drawn = {generator_seed(seed) for seed in (5, 2**32 + 5, 2**33 + 5, 2**63 + 5, 2**64 - 1)}
    assert len(drawn) == 5 and max(drawn) < 2**32
