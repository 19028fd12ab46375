"""Mini-Gemini against numbers of the published code: tiny networks with filled weights, full-size key maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from models.mini_gemini.published import GEMMA, LLAMA, filled, published_shapes, write_published

from rhythmic_foley.models.mini_gemini import MiniGeminiConfig, MiniGeminiForConditionalGeneration
from rhythmic_foley.models.mini_gemini.processing import high_resolution, low_resolution, prompt, with_marks
from rhythmic_foley.models.mini_gemini.weights import renamed

BEFORE_LOGITS, LOGITS = 1e-5, 1e-4
# On one thread torch interpolates in another order than on several; the last bit differs.
LAST_BIT = 1e-6
GRID = {"image_grid": 2, "image_size_aux": 256}


@pytest.fixture(scope="module")
def reference(reference_dir: Path) -> Path:
    return reference_dir / "mini_gemini"


@pytest.fixture(scope="module")
def towers(reference: Path) -> dict[str, np.ndarray]:
    return dict(np.load(reference / "fixtures" / "towers.npz"))


def load(folder: Path, flat: dict) -> MiniGeminiForConditionalGeneration:
    tensors = filled(published_shapes(flat), gemma="head_dim" in flat)
    return MiniGeminiForConditionalGeneration.from_pretrained(write_published(folder, flat, tensors))


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> MiniGeminiForConditionalGeneration:
    return load(tmp_path_factory.mktemp("gemma"), GEMMA)


def error(ours: torch.Tensor, theirs: np.ndarray) -> float:
    assert tuple(ours.shape) == theirs.shape
    return float(np.abs(ours.detach().numpy() - theirs).max())


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array)


def row(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array)[None]


@torch.no_grad()
def test_both_picture_networks_and_their_stages(gemma, towers):
    assert error(gemma.lr_features(tensor(towers["images"])), towers["lr_features"]) < BEFORE_LOGITS
    hr = gemma.hr_features(tensor(towers["images_aux"]))
    assert error(hr[:1], towers["hr_features"]) < BEFORE_LOGITS
    stages = gemma.aux_tower(tensor(towers["images_aux"][:1]), output_hidden_states=True).hidden_states[1:]
    assert [error(stage, towers[f"stage{i}"]) < BEFORE_LOGITS for i, stage in enumerate(stages)] == [True] * 4


@torch.no_grad()
def test_mining_and_projector(gemma, towers, reference):
    expected = np.load(reference / "fixtures" / "mining.npz")
    lr, hr = tensor(towers["images"]), tensor(towers["images_aux"])
    tokens, hr_map = gemma.lr_features(lr), gemma.hr_features(hr)
    assert error(gemma.mine(tokens, hr_map), expected["mined"]) < BEFORE_LOGITS
    assert error(gemma.fuse(tokens, hr_map), expected["fused"]) < BEFORE_LOGITS
    assert error(gemma.encode_images(lr, hr), expected["projected"]) < BEFORE_LOGITS


@torch.no_grad()
@pytest.mark.parametrize(("prompt_name", "n_images"), [("single", 1), ("double", 2), ("text", 0)])
def test_gemma_logits(gemma, towers, reference, prompt_name, n_images):
    expected = np.load(reference / "fixtures" / "lm_gemma.npz")
    images = (tensor(towers["images"][:n_images]), tensor(towers["images_aux"][:n_images])) if n_images else ()
    ids = row(expected[f"{prompt_name}_input_ids"])
    assert error(gemma(ids, *images), expected[f"{prompt_name}_logits"]) < LOGITS
    if n_images:
        embeds, mask = gemma.build_inputs(ids, *images)
        assert error(embeds / 8, expected[f"{prompt_name}_inputs_embeds_unscaled"]) < BEFORE_LOGITS  # sqrt(64) = 8
        assert mask.all()
        words = expected[f"{prompt_name}_greedy_new_tokens"]
        how = {"max_new_tokens": words.shape[1], "no_repeat_ngram_size": 1, "eos_token_id": 511}
        assert gemma.generate(ids, *images, **how).tolist() == words.tolist()


@torch.no_grad()
def test_gemma_logits_of_a_padded_batch(gemma, towers, reference):
    expected = np.load(reference / "fixtures" / "lm_gemma.npz")
    images, mask = (tensor(towers["images"]), tensor(towers["images_aux"])), tensor(expected["batch_attention_mask"])
    ids = tensor(expected["batch_input_ids"])
    embeds, expanded = gemma.build_inputs(ids, *images, mask)
    assert expanded.tolist() == expected["batch_expanded_mask"].tolist()
    assert not embeds[expanded == 0].any()
    real = expected["batch_expanded_mask"] == 1
    logits = gemma(ids, *images, mask).numpy()
    assert np.abs(logits - expected["batch_logits"])[real].max() < LOGITS


@torch.no_grad()
def test_gemma_with_the_tanh_gelu(tmp_path, towers, reference):
    expected = np.load(reference / "fixtures" / "lm_gemma_tanh.npz")
    model = load(tmp_path, {**GEMMA, "hidden_act": "gelu_pytorch_tanh"})
    logits = model(row(expected["single_input_ids"]), tensor(towers["images"][:1]), tensor(towers["images_aux"][:1]))
    assert error(logits, expected["single_logits"]) < LOGITS


@torch.no_grad()
def test_llama(tmp_path, towers, reference):
    expected = np.load(reference / "fixtures" / "lm_llama.npz")
    model, images = load(tmp_path, LLAMA), (tensor(towers["images"][:1]), tensor(towers["images_aux"][:1]))
    assert error(model.encode_images(*images), expected["projected"]) < BEFORE_LOGITS
    ids, words = row(expected["input_ids"]), expected["greedy_new_tokens"]
    assert error(model(ids, *images), expected["logits"]) < LOGITS
    how = {"max_new_tokens": len(words), "no_repeat_ngram_size": 1, "eos_token_id": 319}
    assert model.generate(ids, *images, **how)[0].tolist() == words.tolist()


@torch.no_grad()
@pytest.mark.parametrize("whole", [True, False])
def test_grid_with_and_without_the_whole_picture(tmp_path, reference, whole):
    expected = np.load(reference / "fixtures" / f"grid2_{'global' if whole else 'noglobal'}.npz")
    hr = tensor(np.load(reference / "fixtures" / "grid2_global.npz")["images_aux"])
    model = load(tmp_path, {**GEMMA, **GRID, "image_global": whole})
    lr = low_resolution(hr, model.config)
    assert error(lr, expected["images"]) < LAST_BIT
    assert lr.shape[1] == model.config.n_views
    assert error(model.hr_features(hr)[:, ::5, ::8, ::8], expected["hr_features_strided"]) < BEFORE_LOGITS
    projected = model.encode_images(lr, hr)
    assert projected.shape[1] == model.config.tokens_per_image
    assert error(projected, expected["projected"]) < BEFORE_LOGITS
    ids, words = row(expected["input_ids"]), expected["greedy_new_tokens"]
    assert error(model(ids, lr, hr)[:, -8:], expected["logits_last8"]) < LOGITS
    how = {"max_new_tokens": words.shape[1], "no_repeat_ngram_size": 1, "eos_token_id": 511}
    assert model.generate(ids, lr, hr, **how).tolist() == words.tolist()


@pytest.mark.parametrize("shape", ["wide", "tall", "square"])
def test_preprocessing(reference, shape):
    expected = np.load(reference / "fixtures" / "preprocess_small.npz")
    hr = high_resolution(expected[f"{shape}_rgb"], 128)
    assert error(hr, expected[f"{shape}_aux"]) == 0
    lr = low_resolution(hr[None], MiniGeminiConfig.from_published(GEMMA))[0, 0]
    assert error(lr, expected[f"{shape}_lr"]) < LAST_BIT


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (1920, 1080)])
def test_preprocessing_at_full_size(reference, width, height):
    expected, name = np.load(reference / "fixtures" / "preprocess_full.npz"), f"s{width}x{height}"
    x, y, c = np.arange(width)[None, :, None], np.arange(height)[:, None, None], np.arange(3)
    picture = ((3 * x * (c + 1) + 5 * y * (c + 2) + x * y // 7) % 256).astype(np.uint8)
    hr = high_resolution(picture, 768)
    lr = low_resolution(hr[None], MiniGeminiConfig())[0, 0]
    assert error(hr[:, ::16, ::16], expected[f"{name}_aux_strided16"]) == 0
    assert error(lr[:, ::7, ::7], expected[f"{name}_lr_strided7"]) < LAST_BIT
    assert float(hr.mean()) == pytest.approx(float(expected[f"{name}_aux_mean"][0]), abs=1e-6)
    assert float(lr.mean()) == pytest.approx(float(expected[f"{name}_lr_mean"][0]), abs=1e-6)


def test_prompts_and_picture_marks(reference):
    cases = json.loads((reference / "fixtures" / "prompts.json").read_text())
    for name, n_images in (("one_image", 1), ("three_images", 3)):
        assert prompt(cases["question"], n_images, gemma=True) == cases["gemma"][name]
        assert prompt(cases["question"], n_images, gemma=False) == cases["vicuna_v1"][name]
    for case in cases["placeholder_tokenization"]["cases"]:
        begin = [] if case["bos"] is None else [case["bos"]]
        chunks = [begin + [1000 + ord(letter) for letter in chunk] for chunk in case["text"].split("<image>")]
        assert with_marks(chunks, case["bos"]) == case["ids"]


@pytest.mark.parametrize("name", ["tiny_gemma", "tiny_llama"])
def test_the_tests_own_tiny_checkpoints_are_the_reference_ones(reference, name):
    shapes = manifest(reference, name)
    assert published_shapes(GEMMA if name == "tiny_gemma" else LLAMA) == shapes


@pytest.mark.parametrize(
    ("name", "flat"),
    [
        ("mgm_2b", {"architectures": ["MiniGeminiGemmaForCausalLM"], "mm_hidden_size_aux": 2880}),
        ("mgm_7b", {"architectures": ["MGMLlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 11008}),
    ],
)
def test_every_published_key_has_its_place_at_full_size(reference, name, flat):
    with torch.device("meta"):
        model = MiniGeminiForConditionalGeneration(MiniGeminiConfig.from_published(flat))
    ours = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    theirs = {renamed(key): shape for key, shape in manifest(reference, name).items()}
    assert len(theirs) == len(manifest(reference, name))
    assert theirs == ours


def manifest(reference: Path, name: str) -> dict[str, tuple[int, ...]]:
    entries = json.loads((reference / "manifests" / f"{name}.json").read_text())
    return {key: tuple(shape) for key, (shape, _) in entries.items()}
