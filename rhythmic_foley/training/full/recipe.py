"""Training runs as one file each says them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.training.loop import Schedule


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every run has; relative paths count from where the command is run.

    Attributes:
        shards: prepared clips, in the folder and its sub-folders.
        run: log and resumable state.
        batch_size: of each process.
        Others: as in `Schedule`.
    """

    shards: Path
    run: Path
    steps: int
    learning_rate: float
    batch_size: int
    warmup: int = 1000
    weight_decay: float = 1e-2
    seed: int = 0

    @classmethod
    def read(cls, path: Path) -> Self:
        """
        Raises:
            FoleyError: if the file is not a recipe of this kind.
        """
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FoleyError(f"The recipe {path} cannot be read ({error}).") from error
        unknown = sorted(data.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise FoleyError(f'The recipe {path} says "{unknown[0]}", which is nothing such a recipe can say.')
        paths = {field.name for field in fields(cls) if "Path" in str(field.type)}
        try:
            recipe = cls(**{name: Path(value) if name in paths else value for name, value in data.items()})
        except TypeError as error:
            raise FoleyError(f"The recipe {path} is incomplete ({error}).") from error
        recipe.check(path)
        return recipe

    def check(self, path: Path) -> None:
        """Raises a sentence for what the recipe says wrongly."""

    @property
    def schedule(self) -> Schedule:
        # Without averaged weights, as the base was published.
        return Schedule(self.steps, self.learning_rate, self.warmup, self.weight_decay, ema_decay=0.0)


@dataclass(frozen=True, kw_only=True)
class AdapterRecipe(Recipe):
    """An adapter of the full-size model.

    Attributes:
        adapter: "semantic" or "temporal".
        checkpoint: converted Diff-Foley; the trained adapter is put in there.
        text_encoder: folder or hub name of CLIP's text encoder, for the semantic adapter.
        words_dropped, events_dropped, onsets_dropped: share of windows in which each is left out; 1 for an ablation.
        picture_dropped, gradient_checkpointing: see `adapters`.
    """

    adapter: str
    checkpoint: Path
    text_encoder: str = "openai/clip-vit-large-patch14"
    words_dropped: float = 0.1
    events_dropped: float = 0.1
    onsets_dropped: float = 0.1
    picture_dropped: float = 0.2
    gradient_checkpointing: bool = True

    def check(self, path: Path) -> None:
        if self.adapter not in ("semantic", "temporal"):
            raise FoleyError(f'The recipe {path} must say adapter = "semantic" or "temporal".')


@dataclass(frozen=True, kw_only=True)
class CavpRecipe(Recipe):
    """CAVP, from which Diff-Foley's base is trained.

    Attributes:
        out: folder of the trained network.
        start: folder of one to begin with.
        video_start, audio_start: PyTorch files to take what fits from: a SlowOnly-R50 trained on Kinetics and PANNs'
            Cnn14, as published.
        temporal: weight of the contrast within a video.
    """

    out: Path
    start: Path | None = None
    video_start: Path | None = None
    audio_start: Path | None = None
    temporal: float = 1.0


@dataclass(frozen=True, kw_only=True)
class DetectorRecipe(Recipe):
    """The event detector.

    Attributes:
        held_out: prepared clips to calibrate on, apart from those that are trained on.
        checkpoint: the trained detector is put in there, as `event_detector`.
        start: folder of one to begin with.
    """

    held_out: Path
    checkpoint: Path
    start: Path | None = None
