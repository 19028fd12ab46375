"""Mini-Gemini by itself: shapes, picture marks, strictness about weights, and the layouts it loads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from models.mini_gemini.published import GEMMA, LLAMA, filled, noise, published_shapes, write_published

from rhythmic_foley.describe.choose import is_published
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.mini_gemini import MiniGeminiConfig, MiniGeminiForConditionalGeneration, MiniGeminiProcessor
from rhythmic_foley.models.mini_gemini.configuration import read_config
from rhythmic_foley.models.mini_gemini.model import IMAGE_MARK
from rhythmic_foley.models.mini_gemini.processing import PADDING, high_resolution, low_resolution, prompt
from rhythmic_foley.models.mini_gemini.weights import matched, renamed

IDS = torch.tensor([[2, 17, IMAGE_MARK, 40, 5]])


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return filled(published_shapes(GEMMA), gemma=True)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory, weights) -> MiniGeminiForConditionalGeneration:
    return load(write_published(tmp_path_factory.mktemp("gemma"), GEMMA, weights))


def load(folder: Path, **how) -> MiniGeminiForConditionalGeneration:
    return MiniGeminiForConditionalGeneration.from_pretrained(folder, **how)


def pictures(config: MiniGeminiConfig) -> tuple[torch.Tensor, torch.Tensor]:
    hr = torch.from_numpy(noise("picture", (1, 3, config.image_size_aux, config.image_size_aux)))
    return low_resolution(hr, config), hr


@torch.no_grad()
def logits(model: MiniGeminiForConditionalGeneration) -> torch.Tensor:
    return model(IDS, *pictures(model.config))


def test_a_picture_takes_the_place_of_its_mark(gemma):
    embeds, mask = gemma.build_inputs(IDS, *pictures(gemma.config))
    assert embeds.shape == (1, 4 + 16, 64)
    assert mask.tolist() == [[1] * 20]
    words = gemma.get_input_embeddings()(torch.tensor([2, 17, 40, 5]))
    torch.testing.assert_close(embeds[0, [0, 1, 18, 19]], words)
    shown = gemma.encode_images(*pictures(gemma.config))[0]
    torch.testing.assert_close(embeds[0, 2:18], 8 * shown)  # Gemma's input is sqrt(64) times as large


def test_a_token_mines_its_own_window_only(gemma):
    torch.manual_seed(0)
    tokens, hr_map = torch.randn(1, 16, 32), torch.randn(1, 120, 32, 32)
    changed = hr_map.clone()
    changed[..., 8:16, 24:32] += 1  # row 1, column 3 of 4 x 4 windows
    with torch.no_grad():
        difference = (gemma.mine(tokens, changed) - gemma.mine(tokens, hr_map)).abs().amax(dim=-1)[0]
    assert difference.nonzero().flatten().tolist() == [1 * 4 + 3]


def test_text_alone(gemma):
    assert gemma(torch.tensor([[2, 9, 8]])).shape == (1, 3, 512)


def test_a_prompt_that_is_too_long_is_refused_rather_than_cut(gemma):
    with pytest.raises(FoleyError, match="reads 2048"):
        gemma.build_inputs(torch.full((1, 2049), 7))


def test_generation_stops_at_its_limit_and_at_a_stop(gemma):
    images = pictures(gemma.config)
    endless = gemma.generate(IDS, *images, max_new_tokens=5, eos_token_id=None)
    assert endless.shape == (1, 5)
    stopped = gemma.generate(IDS, *images, max_new_tokens=5, stop_ids=[int(endless[0, 0])])
    assert stopped.tolist() == [[int(endless[0, 0])]]


@pytest.mark.parametrize(("n_shards", "kind"), [(1, "safetensors"), (3, "bin"), (1, "bin")])
def test_every_published_layout_loads_alike(tmp_path, gemma, weights, n_shards, kind):
    folder = write_published(tmp_path, GEMMA, weights, n_shards=n_shards, kind=kind)
    torch.testing.assert_close(logits(load(folder)), logits(gemma), rtol=0, atol=0)


def test_the_head_may_be_absent_where_it_is_the_embedding(tmp_path, gemma, weights):
    rest = {key: value for key, value in weights.items() if key != "lm_head.weight"}
    model = load(write_published(tmp_path, GEMMA, rest))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    torch.testing.assert_close(logits(model), logits(gemma), rtol=0, atol=0)


def test_it_reads_what_it_wrote(tmp_path, gemma):
    gemma.save_pretrained(tmp_path)
    assert not is_published(tmp_path)
    torch.testing.assert_close(logits(load(tmp_path)), logits(gemma), rtol=0, atol=0)


def test_16_bit_weights_keep_exact_positions(tmp_path, gemma, weights):
    folder = write_published(tmp_path, GEMMA, {key: value.bfloat16() for key, value in weights.items()})
    model = load(folder, dtype=torch.bfloat16)
    assert model.mm_projector[0].weight.dtype == torch.bfloat16
    rotary = model.language_model.model.rotary_emb.inv_freq
    torch.testing.assert_close(rotary, gemma.language_model.model.rotary_emb.inv_freq, rtol=0, atol=0)
    hr = torch.from_numpy(noise("picture", (1, 3, 128, 128)))
    lr = low_resolution(hr, model.config)
    with torch.no_grad():
        assert (model(IDS, lr.bfloat16(), hr.bfloat16()).float() - logits(gemma)).abs().max() < 1.0
    assert load(folder).mm_projector[0].weight.dtype == torch.float32


def test_a_missing_tensor_is_named(tmp_path, weights):
    rest = {key: value for key, value in weights.items() if "vlm_uni_val" not in key}
    with pytest.raises(FoleyError, match=r"value\.0\.bias and 3 more are missing"):
        load(write_published(tmp_path, GEMMA, rest))


def test_llama_cannot_do_without_its_head(tmp_path):
    rest = filled(published_shapes(LLAMA), gemma=False)
    del rest["lm_head.weight"]
    with pytest.raises(FoleyError, match=r"lm_head\.weight is missing"):
        load(write_published(tmp_path, LLAMA, rest))


def test_a_tensor_of_another_shape_is_named(tmp_path, weights):
    wrong = {**weights, "model.mm_projector.0.weight": torch.zeros(64, 31)}
    with pytest.raises(FoleyError, match=r"mm_projector\.0\.weight is 64 x 31 instead of 64 x 32"):
        load(write_published(tmp_path, GEMMA, wrong))


@pytest.mark.parametrize("key", ["model.resampler.weight", "model.vision_tower_aux.vision_stages.0.blocks.0.extra"])
def test_a_tensor_that_is_not_known_is_named(tmp_path, weights, key):
    with pytest.raises(FoleyError, match=key):
        load(write_published(tmp_path, GEMMA, {**weights, key: torch.zeros(1)}))


def test_buffers_of_older_files_do_no_harm(weights):
    with torch.device("meta"):
        model = MiniGeminiForConditionalGeneration(MiniGeminiConfig.from_published(GEMMA))
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    old = {**weights, "model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(8)}
    assert matched(old, expected, tied_head=True).keys() == expected.keys() - {"language_model.lm_head.weight"}


def test_missing_and_damaged_files(tmp_path, weights):
    with pytest.raises(FoleyError, match="no config.json"):
        load(tmp_path)
    folder = write_published(tmp_path / "whole", GEMMA, weights)
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(FoleyError, match="damaged"):
        load(folder)
    shard.unlink()
    with pytest.raises(FoleyError, match="00002-of-00002.safetensors is missing"):
        load(folder)
    (folder / "model.safetensors.index.json").unlink()
    with pytest.raises(FoleyError, match="no weights"):
        load(folder)


def test_an_index_may_not_name_files_elsewhere(tmp_path, weights):
    folder = write_published(tmp_path, GEMMA, weights)
    index = {"weight_map": {key: "../other.safetensors" for key in weights}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(FoleyError, match="outside its folder"):
        load(folder)


def test_a_bin_file_cannot_run_code(tmp_path, weights):
    folder = write_published(tmp_path / "whole", GEMMA, weights, n_shards=1, kind="bin")
    torch.save({"model.norm.weight": _Prank(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(FoleyError, match="damaged"):
        load(folder)
    assert not (tmp_path / "ran").exists()


class _Prank:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_the_defaults_are_mgm_2b():
    config = MiniGeminiConfig.from_published({})
    assert config.is_gemma and config.exact_gelu
    assert (config.text_config.hidden_size, config.text_config.num_hidden_layers) == (2048, 18)
    assert (config.tokens_per_image, config.max_prompt_tokens) == (576, 2048)
    hd = MiniGeminiConfig.from_published({"image_grid": 2, "image_global": True, "image_size_aux": 1536})
    assert (hd.n_views, hd.tokens_per_image) == (5, 2880)


@pytest.mark.parametrize(
    "flat",
    [
        {"architectures": ["MGMMixtralForCausalLM"]},
        {"architectures": ["MGMLlamaForCausalLM"], "vocab_size": 128256},
        {"mm_projector_type": "linear"},
        {"mm_hidden_size_aux": 1536},
    ],
)
def test_what_is_not_built_here_is_refused_in_a_sentence(tmp_path, flat):
    (tmp_path / "config.json").write_text(json.dumps(flat))
    with pytest.raises(FoleyError, match="Mini-Gemini"):
        read_config(tmp_path)


def test_another_model_is_not_taken_for_mini_gemini(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert not is_published(tmp_path)
    with pytest.raises(FoleyError, match="bert"):
        read_config(tmp_path)


def test_published_names_that_have_no_place():
    assert renamed("model.image_newline") is None
    assert renamed("model.vision_tower_aux.vision_stages.1.blocks.0.mlp.fc3.weight") is None


def test_a_picture_is_padded_to_a_square_about_its_middle():
    white = np.full((10, 20, 3), 255, dtype=np.uint8)
    hr = high_resolution(white, 20)
    padding = high_resolution(np.full((4, 4, 3), PADDING, dtype=np.uint8), 4)[:, 0, 0]
    assert hr.shape == (3, 20, 20)
    torch.testing.assert_close(hr[:, 0, 10], padding)
    torch.testing.assert_close(hr[:, 19, 10], padding)
    assert (hr[:, 8:12] > 1.9).all()


def test_a_question_cannot_ask_for_pictures_that_are_not_there():
    assert prompt("a <image> b {said}", 1, gemma=True).count("<image>") == 1
    assert "b {said}" in prompt("a <image> b {said}", 1, gemma=False)


def test_a_folder_without_tokenizer(tmp_path, weights):
    with pytest.raises(FoleyError, match="tokenizer"):
        MiniGeminiProcessor.from_pretrained(write_published(tmp_path, GEMMA, weights, n_shards=1))
