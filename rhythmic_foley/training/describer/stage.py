"""The stage that trains the embedded describer's head."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.describe.embedded import EmbeddedDescriber, Look, spread
from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.models.efficientnet_lite import EfficientNetLite
from rhythmic_foley.models.sound_head import SoundHead
from rhythmic_foley.models.text_encoder import embed_text
from rhythmic_foley.runtime.atomic import move_into_place
from rhythmic_foley.training.describer.fit import (
    Example,
    calibrated,
    cross_validated_heads,
    example,
    fit_head,
    write_head,
)
from rhythmic_foley.training.describer.labelled import (
    Labelled,
    labelled_clips,
    labelled_package_pictures,
    labelled_stills,
)


def train_describer(
    checkpoint: Path, runs: Path, film: Path, pictures: Path | None = None, renders: Path | None = None
) -> SoundHead:
    """Fit the head on labelled clips and pictures, calibrate it by cross-validation, write it into the checkpoint.

    Args:
        checkpoint: folder of the components; holds the picture network and the text encoder.
        runs: what the network sees is kept in `describer` in it.
        film: folder with clips.csv and clips/.
        pictures: folder for each package in pictures.csv.
        renders: folder with stills of rendered scenes.

    Raises:
        FoleyError: if there are too few.
    """
    items = training_items(film, pictures, renders)
    examples = read_examples(items, unfitted_describer(checkpoint), runs / "describer")
    labels, embeddings = SoundTable.load().labels, label_embeddings(checkpoint)
    calibration = calibrated(cross_validated_heads(examples, labels, embeddings), examples)
    head = fit_head(examples, labels, embeddings)
    print(f"{len(examples)} examples; {calibration}", flush=True)
    write_head(head, calibration, checkpoint)
    return head


def training_items(film: Path, pictures: Path | None, renders: Path | None) -> Iterator[Labelled]:
    """All that is labelled in the given folders."""
    return chain(
        labelled_clips(film / "clips", film / "clips.csv"),
        labelled_package_pictures(pictures) if pictures else (),
        labelled_stills(renders) if renders else (),
    )


def unfitted_describer(checkpoint: Path) -> EmbeddedDescriber:
    """The checkpoint's picture network with a head that knows nothing, for looking only."""
    network = EfficientNetLite.from_pretrained(checkpoint / "describer")
    return EmbeddedDescriber(network, SoundHead(list(SoundTable.load().labels), network.config.head_channels))


def label_embeddings(checkpoint: Path) -> np.ndarray:
    """Text embeddings (labels, D) of the vocabulary's labels, by the checkpoint's text encoder."""
    from transformers import AutoModel, AutoTokenizer

    encoder = AutoModel.from_pretrained(
        checkpoint / "text_encoder", torch_dtype=torch.float32, local_files_only=True, add_pooling_layer=False
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint / "tokenizer", local_files_only=True)
    return embed_text(SoundTable.load().labels, tokenizer, encoder).numpy()


def read_examples(items: Iterable[Labelled], describer: EmbeddedDescriber, folder: Path) -> list[Example]:
    """Look at each thing once; what the network saw is kept in `folder` and read from there the next time."""
    folder.mkdir(parents=True, exist_ok=True)
    return [example(item, _look(item, describer, folder), describer) for item in items]


def _look(item: Labelled, describer: EmbeddedDescriber, folder: Path) -> Look:
    path = folder / f"{item.kind}-{re.sub(r'[^0-9A-Za-z._-]', '_', item.name)}.npz"
    if not path.is_file():
        look = describer.look_at(spread(item.frames(), item.duration_s))
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **{one.name: np.float32(getattr(look, one.name)) for one in fields(Look)})
        move_into_place(part, path)
    with np.load(path) as stored:
        return Look(**{one.name: stored[one.name] for one in fields(Look)})
