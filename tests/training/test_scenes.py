"""Composed scenes: what is written down is what sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sounds import one_hit_library, write_library

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.training.library import SoundLibrary
from rhythmic_foley.training.scenes import SCENE_S, SCENE_SAMPLES, compose
from rhythmic_foley.values.onsets import match_onsets


def test_a_scene_comes_from_its_seed_alone(tmp_path: Path) -> None:
    library = SoundLibrary.from_csv(write_library(tmp_path))
    first, again, other = (compose(library, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.wave, again.wave)
    assert first.onsets == again.onsets and first.events == again.events
    assert not np.array_equal(first.wave, other.wave)


def test_scenes_are_well_formed(tmp_path: Path) -> None:
    library = SoundLibrary.from_csv(write_library(tmp_path))
    for seed in range(30):
        scene = compose(library, np.random.default_rng(seed))
        assert scene.wave.shape == (SCENE_SAMPLES,)
        assert 0.3 < np.abs(scene.wave).max() < 1.0
        assert 1 <= len(scene.events) <= 3
        assert all(0 <= e.start_s < e.end_s <= SCENE_S for e in scene.events)
        assert all(0 <= t < SCENE_S for t in scene.onsets.times_s)


def test_onsets_are_where_the_hits_sound() -> None:
    """A detector that never saw the plan finds the planned hits within 10 ms."""
    library = one_hit_library()
    hits = wanted = 0
    for seed in range(20):
        scene = compose(library, np.random.default_rng(seed), max_sources=1)
        clear = scene.onsets.merge(0.1).times_s  # hits closer than that drown in each other
        match = match_onsets(clear, attack_times(scene.wave, SAMPLE_RATE_HZ).times_s, 0.01)
        hits, wanted = hits + match.hits, wanted + match.wanted
    assert wanted > 50
    assert hits / wanted > 0.85


def test_softer_hits_are_marked_softer() -> None:
    library = one_hit_library()
    for seed in range(40):
        scene = compose(library, np.random.default_rng(seed), max_sources=1)
        times_s = np.array(scene.onsets.times_s)
        gaps_s = np.diff(times_s, prepend=-np.inf, append=np.inf)
        clear = np.minimum(gaps_s[:-1], gaps_s[1:]) > 0.4
        alone = [(t, v) for t, v, c in zip(times_s, scene.onsets.strengths, clear, strict=True) if c]
        if len(alone) >= 3 and max(v for _, v in alone) - min(v for _, v in alone) > 0.2:
            break
    else:
        pytest.fail("no scene with hits of different strength")
    levels = [np.abs(scene.wave[int(t * 16_000) : int((t + 0.1) * 16_000)]).max() for t, _ in alone]
    strengths = [v for _, v in alone]
    assert np.corrcoef(20 * np.log10(levels), strengths)[0, 1] > 0.9
