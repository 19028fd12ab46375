"""A training run of an adapter as one file says it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from transformers import CLIPTextModel, CLIPTokenizer

from rhythmic_foley.checkpoints import INDEX, Running, load_pipeline
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.adapters import Adapter
from rhythmic_foley.models.full_size import new_semantic_adapter, new_temporal_adapter
from rhythmic_foley.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.training.full.adapters import Base, Dropped, Training, Words, train_semantic, train_temporal
from rhythmic_foley.training.full.examples import Shards
from rhythmic_foley.training.loop import Schedule


@dataclass(frozen=True)
class Recipe:
    """One run; relative paths count from where the command is run.

    Attributes:
        adapter: "semantic" or "temporal".
        checkpoint: converted Diff-Foley; the trained adapter is put in there.
        shards: prepared clips.
        run: log and resumable state.
        text_encoder: folder or hub name of CLIP's text encoder, for the semantic adapter.
        words_dropped, events_dropped, onsets_dropped: share of windows in which each is left out; 1 for an ablation.
        Others: as in `Training` and `Schedule`.
    """

    adapter: str
    checkpoint: Path
    shards: Path
    run: Path
    steps: int
    learning_rate: float
    batch_size: int
    text_encoder: str = "openai/clip-vit-large-patch14"
    warmup: int = 1000
    weight_decay: float = 1e-2
    words_dropped: float = 0.1
    events_dropped: float = 0.1
    onsets_dropped: float = 0.1
    picture_dropped: float = 0.2
    gradient_checkpointing: bool = True
    seed: int = 0

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """
        Raises:
            FoleyError: if the file is not a recipe.
        """
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FoleyError(f"The recipe {path} cannot be read ({error}).") from error
        unknown = sorted(data.keys() - {f.name for f in fields(cls)})
        if unknown:
            raise FoleyError(f'The recipe {path} says "{unknown[0]}", which is nothing a recipe can say.')
        paths = {name: Path(data[name]) for name in ("checkpoint", "shards", "run") if name in data}
        try:
            recipe = cls(**{**data, **paths})
        except TypeError as error:
            raise FoleyError(f"The recipe {path} is incomplete ({error}).") from error
        if recipe.adapter not in ("semantic", "temporal"):
            raise FoleyError(f'The recipe {path} must say adapter = "semantic" or "temporal".')
        return recipe

    @property
    def training(self) -> Training:
        # Without averaged weights, as the base was published.
        schedule = Schedule(self.steps, self.learning_rate, self.warmup, self.weight_decay, ema_decay=0.0)
        dropped = Dropped(self.picture_dropped, self.words_dropped, self.events_dropped, self.onsets_dropped)
        return Training(schedule, self.batch_size, dropped, self.gradient_checkpointing, self.seed)


def follow(recipe: Recipe) -> None:
    """Trains the adapter, going on where an earlier run stopped, and puts it into the checkpoint."""
    from accelerate import PartialState

    process = PartialState()
    pipeline = load_pipeline(recipe.checkpoint, str(process.device), Running("float32"))
    base, data = Base(pipeline.unet, pipeline.cond_stage), Shards(recipe.shards)
    if recipe.adapter == "temporal":
        adapter = new_temporal_adapter(pipeline.unet)
        train_temporal(adapter, base, data, recipe.training, recipe.run)
        parts = {"temporal_adapter": adapter}
    else:
        words = Words(
            CLIPTokenizer.from_pretrained(recipe.text_encoder),
            CLIPTextModel.from_pretrained(recipe.text_encoder).to(process.device).eval(),
        )
        adapter = new_semantic_adapter(pipeline.unet, words.text_encoder.config.hidden_size)
        train_semantic(adapter, base, words, data, recipe.training, recipe.run)
        parts = {"semantic_adapter": adapter, "tokenizer": words.tokenizer, "text_encoder": words.text_encoder}
    if process.is_main_process:
        add_to_checkpoint(pipeline, recipe.checkpoint, parts)


def add_to_checkpoint(
    pipeline: RhythmicFoleyPipeline, folder: Path, parts: dict[str, Adapter | CLIPTokenizer | CLIPTextModel]
) -> None:
    """Puts new parts beside the others, whose large files are left alone, and names them in the index."""
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    pipeline.register_modules(**parts)
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    index |= {name: list(pipeline.config[name]) for name in parts}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
