"""The rules that the timeline works by in the browser are those of Python: picking, reading and writing times."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import read_frames
from rhythmic_foley.values.alternatives import every_second, other_phase, strongest
from rhythmic_foley.values.curve import Curve, pick_onsets
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.vision.motion import motion_curve

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "rhythmic_foley" / "ui" / "timeline"


def script(*names: str) -> str:
    return "\n".join((SCRIPTS / f"{name}.js").read_text(encoding="utf-8") for name in names)


def as_dict(curve: Curve) -> dict[str, list[float]]:
    return {
        "times_s": np.round(curve.times_s, 6).tolist(),
        "values": np.round(curve.values, 6).tolist(),
    }


def curves() -> dict[str, Curve]:
    """A real one, an uneven one with plateaus and ties, and nothing."""
    rng = np.random.default_rng(3)
    clip = ROOT / "examples" / "hammer_anvil.mp4"
    uneven_s = np.cumsum(rng.uniform(0.01, 0.08, 4000))
    return {
        "real": motion_curve(read_frames(clip, 30, (160, 160), fit="inside")),
        "uneven": Curve(uneven_s, np.round(rng.random(4000), 1)),
        "empty": Curve(np.zeros(0), np.zeros(0)),
    }


def test_picking_in_the_browser_is_pythons(browser: Browser):
    thresholds = (0.0, 0.05, 0.3, 0.5, 0.9, 1.0)
    page = browser.new_page()
    for name, curve in curves().items():
        picked = page.evaluate(
            "([curve, thresholds]) => {" + script("picking") + "return thresholds.map((t) => pickOnsets(curve, t)); }",
            [as_dict(curve), thresholds],
        )
        for threshold, found in zip(thresholds, picked, strict=True):
            wanted = pick_onsets(curve, threshold)
            assert [item["time_s"] for item in found] == pytest.approx(wanted.times_s, abs=1e-3), (name, threshold)
            assert [item["strength"] for item in found] == pytest.approx(wanted.strengths, abs=1e-5), (name, threshold)
        assert not len(curve.times_s) or len(picked[1]) > len(picked[3]) > 0
    page.close()


def test_edits_survive_the_threshold(browser: Browser):
    times_s = [(i + 0.5) / 10 for i in range(60)]
    heights = {10: 0.9, 20: 0.4, 30: 0.6, 40: 0.8}
    curve = {"times_s": times_s, "values": [heights.get(i, 0.0) for i in range(60)]}
    kept = browser.new_page()
    code = """([curve]) => {SCRIPT
        const before = pickOnsets(curve, 0.5);
        const edited = [{ time_s: 1.2, strength: 0.9 }, { ...before[1], strength: 1 }, { time_s: 5, strength: 0.3 }];
        return [before, repicked(curve, 0.5, 0.3, edited), repicked(curve, 0.5, 0.3, [])].map(
            (onsets) => onsets.map((onset) => [onset.time_s, onset.strength]));
    }"""
    before, lower, fresh = kept.evaluate(code.replace("SCRIPT", script("picking")), [curve])
    assert [time_s for time_s, _ in before] == pytest.approx([1.05, 3.05, 4.05])
    # The first was moved, the second made harder, the third deleted, one added; the threshold brings a fourth.
    wanted = [(1.2, 0.9), (2.05, 0.4), (3.05, 1.0), (5.0, 0.3)]
    assert np.array(lower) == pytest.approx(np.array(wanted))
    assert len(fresh) == 4, "where there are none, nothing has been deleted"
    kept.close()


@pytest.mark.parametrize(
    "text",
    ["", "0.5", ".5, 1.25 2", "0.5@0.8;0.5@0.9", "1:02.5s", "3.@.25\n1", "0.5 0.25", "1:00"]
    + ["0,8 1,6", "0,8;2", "0,5@0,8, 1,5@1", "1:02,5 1:03,25s", "1,2,3", "0.5,1,2,", "0.5 ,1"],
)
def test_times_are_read_and_written_as_in_python(browser: Browser, text: str):
    page = browser.new_page()
    code = (
        "([text]) => {" + script("picking", "times") + "const o = parseTimes(text, 100); return [o, formatTimes(o)]; }"
    )
    found, written = page.evaluate(code, [text])
    wanted = Onsets.parse(text)
    assert [(item["time_s"], item["strength"]) for item in found] == list(
        zip(wanted.times_s, wanted.strengths, strict=True)
    )
    assert written == wanted.format(strengths=True)
    for wrong in ("a", "1,b", "-1", "0.5@2", "0.5@", "1:2:3", "101"):
        with pytest.raises(Exception, match="seconds|strength|end of the clip"):
            page.evaluate(code, [wrong])
    for unclear in ("0,8", "0,8,1,6", "0,8 2", "0,8 1.6"):
        with pytest.raises(Exception, match="may separate two times"):
            page.evaluate(code, [unclear])
    page.close()


def test_other_readings_of_onsets_are_pythons(browser: Browser):
    curve = curves()["real"]
    page = browser.new_page()
    for threshold in (0.1, 0.3, 0.5):
        onsets = pick_onsets(curve, threshold)
        found = page.evaluate(
            "([curve, onsets]) => {"
            + script("picking", "alternatives")
            + "return [everySecond(onsets), strongestOf(onsets, 4), otherPhase(onsets, curve)]; }",
            [as_dict(curve), [{"time_s": t, "strength": s} for t, s in zip(*vars(onsets).values(), strict=True)]],
        )
        wanted = [every_second(onsets), strongest(onsets, 4), other_phase(onsets, curve)]
        for there, here in zip(found, wanted, strict=True):
            assert [item["time_s"] for item in there] == pytest.approx(here.times_s, abs=1e-3), threshold
            assert [item["strength"] for item in there] == pytest.approx(here.strengths, abs=1e-5), threshold


def test_typed_times_mean_the_same_in_the_browser_and_in_python(browser: Browser):
    draw = random.Random(1)
    pieces = ["0", "1", "2", "12", "0,8", "1,6", "0.5", "2.5", ",", ", ", " ", ";", "; ", "@0.8", "@0,8", "@1", "1:02"]
    pieces += ["s", ".", ":", "x", "\n", ",,"]
    texts = ["".join(draw.choices(pieces, k=draw.randint(1, 6))) for _ in range(2000)]
    page = browser.new_page()
    code = """(texts) => {SCRIPT
        const read = (text) => parseTimes(text, 1e9).map((one) => [Math.round(one.time_s * 1e6) / 1e6, one.strength]);
        return texts.map((text) => { try { return read(text); } catch { return null; } });
    }"""
    found = page.evaluate(code.replace("SCRIPT", script("picking", "times")), texts)

    def read(text: str) -> list | None:
        try:
            onsets = Onsets.parse(text)
        except FoleyError:
            return None
        return [[round(one_s, 6), level] for one_s, level in zip(onsets.times_s, onsets.strengths, strict=True)]

    assert found == [read(text) for text in texts]
    assert 200 < sum(one is not None for one in found) < 1800
    page.close()
