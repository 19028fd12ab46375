"""Sentence embeddings and token states: pooling at toy size, numbers of the shipped weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from rhythmic_foley.models.text_encoder import embed_text, embed_tokens

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "mini"

# First numbers of the embeddings that the float32 weights give, as published.
PUBLISHED = {
    "dog barking": [0.00383, 0.00263, 0.05869, 0.06874, 0.01667, -0.00067, 0.05945, -0.08738],
    "glass shattering on a stone floor": [0.0188, 0.00968, 0.08592, 0.03658, -0.04448, -0.03394, 0.03432, 0.03154],
}
PUBLISHED_STATE_OF_DOG = [0.1001, -0.1155, 0.1696, 0.1647]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(CHECKPOINT / "tokenizer")


@pytest.fixture(scope="module")
def encoder() -> BertModel:
    return BertModel.from_pretrained(CHECKPOINT / "text_encoder", dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def toy_encoder() -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_position_embeddings=40
    )
    return BertModel(config, add_pooling_layer=False).eval()


def test_shipped_embeddings_equal_the_published_ones(tokenizer, encoder):
    embedded = embed_text(list(PUBLISHED), tokenizer, encoder)
    assert embedded.shape == (2, 384) and embedded.dtype == torch.float32
    torch.testing.assert_close(embedded[:, :8], torch.tensor(list(PUBLISHED.values())), atol=3e-4, rtol=0)


def test_shipped_token_states_equal_the_published_ones(tokenizer, encoder):
    hidden, mask = embed_tokens(["dog barking"], tokenizer, encoder)
    torch.testing.assert_close(hidden[0, 1, :4], torch.tensor(PUBLISHED_STATE_OF_DOG), atol=3e-3, rtol=0)
    assert mask.sum() == 4  # [CLS] dog barking [SEP]


def test_near_meanings_are_near(tokenizer, encoder):
    asked, dog, train = embed_text(["a small puppy barks", "dog barking", "train passing"], tokenizer, encoder)
    assert asked @ dog > 0.5 > 0.3 > asked @ train


def test_embedding_does_not_depend_on_its_neighbours(tokenizer, toy_encoder):
    alone = embed_text(["rain"], tokenizer, toy_encoder)
    beside_longer = embed_text(["rain", "a long train rattling over old rails at night"], tokenizer, toy_encoder)
    torch.testing.assert_close(alone[0], beside_longer[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(beside_longer.norm(dim=-1), torch.ones(2))


def test_token_states_have_one_length_and_zeros_behind_the_text(tokenizer, toy_encoder):
    texts = ["rain", "drum " * 60, ""]
    hidden, mask = embed_tokens(texts, tokenizer, toy_encoder, max_tokens=16)
    assert hidden.shape == (3, 16, 8) and mask.shape == (3, 16) and mask.dtype == torch.bool
    assert mask.sum(dim=1).tolist() == [3, 16, 2]
    assert hidden[~mask].abs().max() == 0 and hidden[mask].abs().min() > 0


def test_text_longer_than_the_encoder_can_read_is_cut(tokenizer, toy_encoder):
    assert embed_text(["drum " * 300], tokenizer, toy_encoder).isfinite().all()


def test_no_texts_give_no_rows(tokenizer, toy_encoder):
    assert embed_text([], tokenizer, toy_encoder).shape == (0, 8)
    assert embed_tokens([], tokenizer, toy_encoder)[0].shape == (0, 32, 8)


def test_one_bare_string_is_refused(tokenizer, toy_encoder):
    with pytest.raises(TypeError, match="sequence"):
        embed_text("dog barking", tokenizer, toy_encoder)
