"""Rules that shorten described sounds, on curves whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.evaluation.metrics.event_times import Watched, by_peaks, by_track, compared, whole
from rhythmic_foley.values.curve import Curve
from rhythmic_foley.vision.onset_detector import RATE_HZ, Seen


def clip(peaks_s: tuple[float, ...], sounding_s: tuple[float, float], onsets_s: tuple[float, ...]) -> Watched:
    times_s = np.arange(0, 8, 1 / RATE_HZ)
    values = sum((np.exp(-(((times_s - peak_s) / 0.05) ** 2)) for peak_s in peaks_s), np.zeros_like(times_s))
    sounding = ((times_s >= sounding_s[0]) & (times_s < sounding_s[1])).astype(float)
    return Watched(Seen(Curve(times_s, values), Curve(times_s, sounding)), np.array(onsets_s), 8.0)


def test_each_rule_says_its_stretch() -> None:
    one = clip((2.0, 4.0), (3.0, 5.0), (2.0, 4.0))
    assert whole(one) == (0.0, 8.0)
    assert by_track(one) == pytest.approx((3.0, 5.0), abs=0.05)
    assert by_peaks(one) == pytest.approx((1.8, 4.75), abs=0.01)


def test_nothing_seen_leaves_the_whole_clip() -> None:
    still = clip((), (0.0, 0.0), (1.0,))
    assert by_track(still) == by_peaks(still) == (0.0, 8.0)


def test_the_table_counts_lost_onsets() -> None:
    rows = compared({"toys": [clip((2.0, 4.0), (3.0, 5.0), (2.0, 4.0))]}).splitlines()
    assert rows[2].startswith("| toys (1) | whole clip | 0.319 | 1.000 | 1.000")
    assert rows[3].split("|")[4].strip() == "0.500"
    assert rows[4].split("|")[4].strip() == "1.000" and float(rows[4].split("|")[3]) > 0.85
