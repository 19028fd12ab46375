"""channels: the coefficients of ITU-R BS.775, and what happens to layouts that it does not know."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.audio.channels import placed, stereo_shares, to_mono, usual_layout

HALF_POWER = 2**-0.5


@pytest.mark.parametrize(
    ("names", "left", "right"),
    [
        (("FC",), [1], [1]),
        (("FL", "FR"), [1, 0], [0, 1]),
        (("NONE", "NONE"), [1, 0], [0, 1]),
        (
            ("FL", "FR", "FC", "LFE", "BL", "BR"),
            [1, 0, HALF_POWER, 0, HALF_POWER, 0],
            [0, 1, HALF_POWER, 0, 0, HALF_POWER],
        ),
        (("FL", "FR", "BL", "BR"), [1, 0, HALF_POWER, 0], [0, 1, 0, HALF_POWER]),
        (("FL", "FR", "BC"), [1, 0, 0.5], [0, 1, 0.5]),
        (
            ("FL", "FR", "TFL", "TBR", "TC", "FLC"),
            [1, 0, HALF_POWER, 0, 0.5, HALF_POWER],
            [0, 1, 0, HALF_POWER, 0.5, 0],
        ),
        (("NONE",) * 4, [0.25] * 4, [0.25] * 4),
    ],
)
def test_shares(names: tuple[str, ...], left: list[float], right: list[float]) -> None:
    np.testing.assert_allclose(stereo_shares(names), np.stack([left, right], axis=1), rtol=1e-6)


def test_layouts_without_places() -> None:
    assert usual_layout(6)[2] == "FC" and usual_layout(16) == ("NONE",) * 16
    assert placed(("NONE", "NONE")) and placed(usual_layout(8)) and not placed(usual_layout(9))


def test_a_centre_is_as_loud_in_mono_as_in_stereo() -> None:
    centre = np.array([[0, 0, 1, 0, 0, 0]], np.float32) @ stereo_shares(usual_layout(6))
    np.testing.assert_allclose(to_mono(centre), [HALF_POWER], rtol=1e-6)
