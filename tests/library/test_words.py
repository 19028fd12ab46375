from __future__ import annotations

import numpy as np
import pytest
from toy import CHECKPOINT

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.words import WordEmbedder

TEXTS = ["wooden door slam", "rain", "a dog that barks a long way off, behind the house"]


@pytest.fixture(scope="module")
def embed() -> WordEmbedder:
    return WordEmbedder(CHECKPOINT)


def test_the_numbers_are_those_of_transformers(embed):
    from transformers import AutoTokenizer, BertModel

    from rhythmic_foley.models.text_encoder import embed_text

    encoder = BertModel.from_pretrained(CHECKPOINT / "text_encoder", add_pooling_layer=False).float()
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT / "tokenizer")
    np.testing.assert_allclose(embed(TEXTS), embed_text(TEXTS, tokenizer, encoder).numpy(), atol=1e-5)


def test_near_meanings_are_near(embed):
    door, slam, rain = embed(["wooden door slam", "a door is slammed shut", "rain falling"])
    assert door @ slam > 0.45 > 0.2 > door @ rain


def test_order_and_length_do_not_matter(embed):
    np.testing.assert_allclose(embed(TEXTS[::-1])[::-1], embed(TEXTS), atol=1e-5)
    assert embed([]).shape == (0, 384)


def test_a_folder_without_encoder_is_said(tmp_path):
    with pytest.raises(FoleyError, match="text encoder"):
        WordEmbedder(tmp_path)
