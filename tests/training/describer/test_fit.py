"""The describer's head learns from labelled things, and is judged on sources that it has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rhythmic_foley.describe.embedded import Look
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.sound_head import SoundHead
from rhythmic_foley.training.describer.fit import (
    Example,
    calibrated,
    cross_validated_heads,
    fit_head,
    write_head,
)
from rhythmic_foley.training.describer.labelled import Labelled, right_sounds

LABELS = ("dog barking", "rain falling", "metal impact")
EMBEDDINGS = np.eye(3, dtype=np.float32)
RANK = 4


def toy_examples(count: int = 90, noise: float = 0.2) -> list[Example]:
    """Things whose features tell the label although the table says nothing."""
    rng = np.random.default_rng(0)
    examples = []
    for number in range(count):
        label = number % 3
        features = np.abs(np.eye(12)[label] * 4 + noise * rng.normal(size=12)).astype(np.float32)
        item = Labelled(f"{number}", (LABELS[label],), lambda: iter(()), 1.0, f"source {number // 2}")
        look = Look(np.zeros(1), features[None], np.zeros((1, 2)), np.zeros((1, 2)))
        examples.append(Example(item, look, features, np.zeros((2, 3), np.float32), np.arange(3) == label))
    return examples


def best(head: SoundHead, one: Example) -> int:
    return int(head(torch.from_numpy(one.features)[None], torch.from_numpy(one.masses)[None])[0].argmax())


def test_what_features_tell_is_learnt() -> None:
    head = fit_head(toy_examples(), LABELS, EMBEDDINGS, RANK)
    hits = [one.right[best(head, one)] for one in toy_examples()]
    assert np.mean(hits) > 0.95


def test_no_head_has_seen_the_source_that_it_answers() -> None:
    """With labels at random nothing can be learnt, so that heads which had seen an answer would be found out."""
    rng = np.random.default_rng(1)
    examples = toy_examples()
    for one in examples:
        one.right[:] = np.arange(3) == rng.integers(3)
    heads = cross_validated_heads(examples, LABELS, EMBEDDINGS, folds=3, rank=RANK)
    by_source: dict[str, set[int]] = {}
    for head, one in zip(heads, examples, strict=True):
        by_source.setdefault(one.item.source, set()).add(id(head))
    assert {len(heads) for heads in by_source.values()} == {1} and len({id(head) for head in heads}) == 3
    assert np.mean([one.right[best(head, one)] for head, one in zip(heads, examples, strict=True)]) < 0.55


def test_confidence_is_how_often_it_is_right() -> None:
    examples = toy_examples(300, noise=3.0)
    heads = [fit_head(examples, LABELS, EMBEDDINGS, RANK)] * len(examples)
    calibration = calibrated(heads, examples)
    heads[0].register_to_config(**calibration)
    confidences, hits = [], []
    for one in examples:
        with torch.no_grad():
            probabilities = heads[0](torch.from_numpy(one.features)[None], torch.from_numpy(one.masses)[None])[0]
        confidences += heads[0].confidence(probabilities).tolist()
        hits += one.right.tolist()
    assert np.mean(confidences) == pytest.approx(np.mean(hits), abs=0.03)
    assert 0 < calibration["sure"] <= 1


def test_a_written_head_is_read_again(tmp_path: Path) -> None:
    head = fit_head(toy_examples(), LABELS, EMBEDDINGS, RANK)
    write_head(head, {"calibration": [0.1, 0.9], "sure": 0.4}, tmp_path)
    again = SoundHead.from_pretrained(tmp_path / "describer" / "head")
    assert tuple(again.config.labels) == LABELS and again.config.sure == 0.4
    one = toy_examples()[0]
    assert best(again, one) == best(head.float(), one)


def test_too_few_examples_are_one_sentence() -> None:
    with pytest.raises(FoleyError, match="too few"):
        fit_head(toy_examples(3), LABELS, EMBEDDINGS, RANK)


def test_every_class_has_sounds() -> None:
    classes = right_sounds()
    assert len(classes) > 100 and all(all(sounds) for sounds in classes.values())
