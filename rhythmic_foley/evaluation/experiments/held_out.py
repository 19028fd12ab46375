"""Which held-out windows the embedded model is measured on, and which real ones they are compared with.

Only scenes of a single caption are taken. Those of each caption are split in two: the conditions come from one half,
what is generated is compared with the other half, and so are real sounds, so that both have the same task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.training.batches import WINDOW_FRAMES, WINDOW_S, WINDOW_TOKENS
from rhythmic_foley.training.prepare import TOKEN_S, SceneSet
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

MAX_COMPARED = 3  # real windows that each is compared with
_FRAMES_PER_TOKEN = WINDOW_FRAMES // WINDOW_TOKENS
_HEARD_S = 2.0  # of its event a window holds at least so much, where the scene allows it


@dataclass(frozen=True)
class RealWindow:
    """A window of a prepared scene.

    Attributes:
        scene: row of the scene set.
        first: token at which the window begins.
        event: what sounds, in seconds from the window's beginning.
        onsets: when it hits.
    """

    scene: int
    first: int
    event: SoundEvent
    onsets: Onsets

    @property
    def caption(self) -> str:
        return self.event.label

    def embeddings(self, scenes: SceneSet) -> np.ndarray:
        """(32, D) of YAMNet."""
        return scenes.embeddings[self.scene, self.first : self.first + WINDOW_TOKENS].astype(np.float32)

    def mel(self, scenes: SceneSet) -> np.ndarray:
        """(128, 512) in [0, 1]."""
        start = self.first * _FRAMES_PER_TOKEN
        return scenes.mels[self.scene, :, start : start + WINDOW_FRAMES].astype(np.float32) / 255


@dataclass(frozen=True)
class Selection:
    """Windows to generate and what they are compared with.

    Attributes:
        windows: whose captions and onsets are asked for; their own sounds are the floor.
        compared: for each caption real windows of other scenes.
        others: for each window one whose caption shares no word with it; answering with these is the ceiling.
    """

    windows: tuple[RealWindow, ...]
    compared: Mapping[str, tuple[RealWindow, ...]]
    others: tuple[RealWindow, ...]


def select(scenes: SceneSet, count: int, *, seed: int = 0) -> Selection:
    """Chooses windows, captions as evenly as the scenes allow; fewer are the first of more.

    Raises:
        FoleyError: if no caption has two scenes of its own.
    """
    rng = np.random.default_rng(seed)
    rows: dict[int, list[int]] = {}
    for row in rng.permutation(np.flatnonzero((scenes.captions >= 0).sum(axis=1) == 1)):
        rows.setdefault(int(scenes.captions[row].max()), []).append(int(row))
    rows = {caption: members for caption, members in rows.items() if len(members) > 1}
    if not rows:
        raise FoleyError("The held-out scenes are too few: no caption has two scenes of its own.")
    cut = {row: _cut(scenes, row, rng) for members in rows.values() for row in members}
    asked = {caption: members[: len(members) // 2] for caption, members in rows.items()}
    compared = {
        scenes.names[caption]: tuple(cut[row] for row in members[len(asked[caption]) :][:MAX_COMPARED])
        for caption, members in rows.items()
    }
    turns = range(max(map(len, asked.values())))
    windows = [cut[members[turn]] for turn in turns for members in asked.values() if turn < len(members)]
    windows = windows[:count]
    others = tuple(_other(window, compared, rng) for window in windows)
    kept = {window.caption: compared[window.caption] for window in windows}
    return Selection(tuple(windows), kept, others)


def _cut(scenes: SceneSet, row: int, rng: np.random.Generator) -> RealWindow:
    """A window of the scene in which its event is heard."""
    slot = int(np.argmax(scenes.captions[row] >= 0))
    start_s, end_s = scenes.spans_s[row, slot].tolist()
    firsts = np.arange(scenes.embeddings.shape[1] - WINDOW_TOKENS + 1)
    begins_s = firsts * TOKEN_S
    heard_s = np.minimum(end_s, begins_s + WINDOW_S) - np.maximum(start_s, begins_s)
    first = int(rng.choice(firsts[heard_s >= min(_HEARD_S, heard_s.max())]))
    begin_s = first * TOKEN_S
    event = SoundEvent(
        scenes.names[scenes.captions[row, slot]],
        start_s=max(0.0, start_s - begin_s),
        end_s=min(WINDOW_S, end_s - begin_s),
    )
    mask = scenes.masks[row, first * _FRAMES_PER_TOKEN :][:WINDOW_FRAMES]
    return RealWindow(row, first, event, Onsets.from_mask(mask, WINDOW_FRAMES / WINDOW_S))


def _other(window: RealWindow, compared: Mapping[str, Sequence[RealWindow]], rng: np.random.Generator) -> RealWindow:
    words = set(window.caption.split())
    foreign = [caption for caption in compared if not words & set(caption.split())] or list(compared)
    members = compared[foreign[rng.integers(len(foreign))]]
    return members[rng.integers(len(members))]
