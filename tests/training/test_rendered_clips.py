"""Rendered scenes: bodies on known paths, physics that says when things touch, and what film makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.training.event_detector import actors, data
from rhythmic_foley.training.event_detector.film import develop

TIMES_S = np.arange(0, 3, 1 / 30)


def _cast(act, seed: int) -> actors.Cast:
    cast = actors.Cast(TIMES_S)
    act(np.random.default_rng(seed), cast)
    return cast


@pytest.mark.parametrize("name", [*actors.SOUNDING, *actors.SILENT])
def test_every_actor_has_bodies_at_every_time_and_contacts_with_places(name: str):
    act, _ = {**actors.SOUNDING, **actors.SILENT}[name]
    casts = [_cast(act, seed) for seed in range(6)]
    for cast in casts:
        assert len(cast.bodies) == len(cast.tracks) and len(cast.hits_s) == len(cast.places)
        for places, turns in cast.tracks:
            assert places.shape == (len(TIMES_S), 3) and np.isfinite(places).all()
            assert np.allclose(np.linalg.norm(turns, axis=1), 1)
    assert any(cast.hits_s for cast in casts) == (name in actors.SOUNDING)


def test_a_limb_points_where_it_should():
    ways = np.random.default_rng(0).normal(size=(20, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    w, x, y, z = actors.facing(ways).T
    tops = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x**2 + y**2)], axis=1)  # the z axis, turned
    assert np.allclose(tops, ways)


class _Blinking:
    """A roll in which the whole picture is bright at the contacts alone."""

    kind, rate_hz, unclear_s = "striker", 60.0, np.array([2.9])
    hits_s = np.array([0.5, 1.25, 2.0])

    def __init__(self, spot: tuple[float, float]) -> None:
        rng = np.random.default_rng(0)
        self.frames = np.tile(rng.integers(60, 90, (1, 72, 128), dtype=np.uint8), (198, 1, 1))
        self.frames[np.round(self.hits_s * self.rate_hz).astype(int)] += 140
        self.spots = np.tile(spot, (3, 1))


def test_contacts_stay_with_their_pictures_whatever_film_does():
    found = 0
    for seed in range(30):
        cut = develop(_Blinking((0.5, 0.5)), seed)
        times_s = np.array([time_s for time_s, _ in cut.frames()])
        light = np.array([frame.mean() for _, frame in cut.frames()])
        step_s = np.diff(times_s).max()
        assert (np.diff(times_s) > 0).all() and 1 / 62 < np.diff(times_s).min()
        if light.max() > np.median(light) + 40:  # the contact fell into an exposure
            brightest_s = times_s[light.argmax()]
            near_s = np.abs(np.concatenate([cut.onsets_s, cut.unclear_s.mean(axis=1)]) - brightest_s).min()
            assert near_s <= 1.5 * step_s
            found += 1
    assert found > 10


def test_what_happens_outside_of_the_picture_is_unclear():
    cuts = [develop(_Blinking((2.0, 0.5)), seed) for seed in range(5)]
    assert not any(len(cut.onsets_s) for cut in cuts)
    assert all(len(cut.unclear_s) >= 1 for cut in cuts)


def test_without_the_renderer_a_sentence_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rhythmic_foley.training.event_detector.stage", None)
    with pytest.raises(FoleyError, match="MuJoCo"):
        data.rendered(0)


def test_a_ball_that_is_let_go_lands_when_physics_says():
    mujoco = pytest.importorskip(
        "mujoco", reason="MuJoCo is an extra: pip install .[render]; drawn scenes stand in above"
    )
    from rhythmic_foley.training.event_detector.tumbling import simulate

    model = mujoco.MjModel.from_xml_string(
        '<mujoco><option timestep="0.001" integrator="implicitfast"/><worldbody><geom type="plane" size="5 5 1"/>'
        '<body pos="0 0 1.1"><freejoint/><geom type="sphere" size=".1" solref="-80000 -60"/></body>'
        "</worldbody></mujoco>"
    )
    motion = simulate(model, lambda model, data: None, 1.5)
    assert motion.hits_s[0] == pytest.approx(np.sqrt(2 / 9.81), abs=0.005)
    assert motion.places[0] == pytest.approx([0, 0, 0], abs=0.01)
