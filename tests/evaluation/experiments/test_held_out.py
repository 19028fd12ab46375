"""The choice of held-out windows: conditions from one half of the scenes, comparison with the other."""

from __future__ import annotations

import numpy as np
import pytest
from scene_sets import NAMES, scene_set

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.held_out import select


def test_halves_do_not_meet_and_single_captions_only() -> None:
    scenes = scene_set()
    chosen = select(scenes, 99)
    asked = {window.scene for window in chosen.windows}
    compared = {window.scene for windows in chosen.compared.values() for window in windows}
    assert not asked & compared
    assert all((scenes.captions[row] >= 0).sum() == 1 for row in asked | compared)
    for window in chosen.windows:
        assert window.caption == NAMES[scenes.captions[window.scene, 0]]
        assert {other.caption for other in chosen.compared[window.caption]} == {window.caption}


def test_fewer_are_the_first_of_more_and_captions_take_turns() -> None:
    scenes = scene_set()
    few, more = select(scenes, 4), select(scenes, 8)
    assert more.windows[:4] == few.windows and select(scenes, 8) == more
    assert len({window.caption for window in few.windows}) == 4
    assert select(scenes, 8, seed=1).windows != more.windows


def test_a_window_is_cut_where_its_event_is_heard() -> None:
    scenes = scene_set()
    for window in select(scenes, 99).windows:
        assert 0 <= window.first <= 16
        assert 2.0 <= window.event.end_s - window.event.start_s <= 8.192
        start_s, end_s = scenes.spans_s[window.scene, 0] - window.first * 0.256
        assert window.event.start_s == pytest.approx(max(0, start_s))
        assert window.event.end_s == pytest.approx(min(8.192, end_s))
        assert isinstance(window.event.start_s, float) and isinstance(window.event.end_s, float)
        mask = scenes.masks[window.scene, window.first * 16 : window.first * 16 + 512]
        np.testing.assert_array_equal(window.onsets.to_mask(512, 62.5), mask.astype(np.float32))
        assert window.mel(scenes).shape == (128, 512) and window.embeddings(scenes).shape == (32, 8)


def test_others_share_no_word() -> None:
    chosen = select(scene_set(), 99)
    for window, other in zip(chosen.windows, chosen.others, strict=True):
        assert not set(window.caption.split()) & set(other.caption.split())


def test_too_few_scenes_is_a_sentence() -> None:
    with pytest.raises(FoleyError, match="too few"):
        select(scene_set(count=3), 4)
