"""Follows a recipe from the prepared clips to the trained network in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from accelerate import PartialState
from diffusers.models.modeling_utils import ModelMixin
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.adapters import Adapter
from rhythmic_foley.models.cavp import Cavp
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.models.full_size import new_semantic_adapter, new_temporal_adapter
from rhythmic_foley.pipeline.checksums import SUMS, write_sums
from rhythmic_foley.pipeline.loading import INDEX, Running, load_pipeline
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.training.full.adapters import Base, Dropped, Training, Words, train_semantic, train_temporal
from rhythmic_foley.training.full.contrastive import Contrast, train_cavp
from rhythmic_foley.training.full.examples import Shards
from rhythmic_foley.training.full.pairs import Pairs
from rhythmic_foley.training.full.recipe import AdapterRecipe, CavpRecipe, DetectorRecipe
from rhythmic_foley.training.full.watching import Watched, Watching, train_on_film
from rhythmic_foley.weights.checkpoint import read_state


def run_adapter(recipe: AdapterRecipe) -> None:
    """Trains the adapter, going on where an earlier run stopped, and puts it into the checkpoint."""
    process = PartialState()
    pipeline = load_pipeline(recipe.checkpoint, str(process.device), Running("float32"))
    base, data = Base(pipeline.unet, pipeline.cond_stage), Shards(recipe.shards)
    dropped = Dropped(recipe.picture_dropped, recipe.words_dropped, recipe.events_dropped, recipe.onsets_dropped)
    training = Training(recipe.schedule, recipe.batch_size, dropped, recipe.gradient_checkpointing, recipe.seed)
    torch.manual_seed(recipe.seed)
    if recipe.adapter == "temporal":
        adapter = new_temporal_adapter(pipeline.unet)
        train_temporal(adapter, base, data, training, recipe.run)
        parts = {"temporal_adapter": adapter}
    else:
        words = Words(
            CLIPTokenizer.from_pretrained(recipe.text_encoder),
            CLIPTextModel.from_pretrained(recipe.text_encoder).to(process.device).eval(),
        )
        adapter = new_semantic_adapter(pipeline.unet, words.text_encoder.config.hidden_size)
        train_semantic(adapter, base, words, data, training, recipe.run)
        parts = {"semantic_adapter": adapter, "tokenizer": words.tokenizer, "text_encoder": words.text_encoder}
    if process.is_main_process:
        add_to_checkpoint(pipeline, recipe.checkpoint, parts)


def run_cavp(recipe: CavpRecipe) -> None:
    """Trains CAVP, going on where an earlier run stopped, and writes it into its folder."""
    process = PartialState()
    torch.manual_seed(recipe.seed)
    cavp = _start(Cavp, recipe.start)
    for encoder, path in ((cavp.video_encoder, recipe.video_start), (cavp.spec_encoder, recipe.audio_start)):
        if path is not None:
            taken = take_over(encoder, read_state(path))
            if process.is_main_process:
                print(f"{path}: {taken} of {len(encoder.state_dict())} arrays taken", flush=True)
    contrast = Contrast(recipe.schedule, recipe.batch_size, recipe.temporal, recipe.seed)
    train_cavp(cavp, Pairs(recipe.shards), contrast, recipe.run)
    if process.is_main_process:
        cavp.save_pretrained(recipe.out)


def run_event_detector(recipe: DetectorRecipe) -> None:
    """Trains the event detector, going on where an earlier run stopped, and puts it into the checkpoint."""
    process = PartialState()
    torch.manual_seed(recipe.seed)
    detector = EventDetector() if recipe.start is None else EventDetector.from_pretrained(recipe.start)
    watching = Watching(recipe.schedule, recipe.batch_size, recipe.seed)
    train_on_film(detector, Watched(recipe.shards), Watched(recipe.held_out), watching, recipe.run)
    if process.is_main_process:
        detector.save_pretrained(recipe.checkpoint / "event_detector")
        _renew_sums(recipe.checkpoint)


def take_over(network: nn.Module, state: Mapping[str, torch.Tensor]) -> int:
    """Takes the arrays whose name ends as one of the network's, and whose shape is the same; returns how many.

    Published files put other words in front ("backbone.", "module."), and their last layers are made for other things.

    Raises:
        FoleyError: if nothing fits.
    """
    own = network.state_dict()
    fitting = {
        name: value
        for key, value in state.items()
        for name in (key, key.partition(".")[2])
        if name in own and own[name].shape == value.shape
    }
    if not fitting:
        raise FoleyError("The file to start from holds nothing that fits this network.")
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


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
    _renew_sums(folder)


def _start(kind: type[ModelMixin], folder: Path | None) -> ModelMixin:
    """A new network, or one to begin with."""
    if folder is None:
        return kind()
    try:
        return kind.from_pretrained(folder, local_files_only=True, use_safetensors=True).float()
    except Exception as error:  # safetensors, json and diffusers each raise their own kinds
        raise FoleyError(f"There is no {kind.__name__} in {folder} to start from ({error}).") from error


def _renew_sums(folder: Path) -> None:
    if (folder / SUMS).is_file():
        write_sums(folder)
