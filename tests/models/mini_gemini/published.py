"""Checkpoints in the layout in which Mini-Gemini is published, as small as one likes, filled by a rule."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

TOWERS = {
    "vision_config": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": 56,
        "patch_size": 14,
        "projection_dim": 16,
    },
    "aux_config": {"depths": [1, 2, 2, 1], "hidden_sizes": [8, 16, 32, 64]},
}
LARGE_TOWERS = {
    "vision_config": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "image_size": 336},
    "aux_config": {"depths": [3, 3, 27, 3], "hidden_sizes": [192, 384, 768, 1536]},
}
_LANGUAGE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
    "image_size_aux": 128,
    "image_grid": 1,
    "image_global": False,
    "mm_projector_type": "mlp2x_gelu",
    "mm_vision_select_layer": -2,
    "mm_hidden_size": 32,
    "mm_hidden_size_aux": 120,
    "tokenizer_model_max_length": 2048,
}
GEMMA = {
    **_LANGUAGE,
    "architectures": ["MiniGeminiGemmaForCausalLM"],
    "num_key_value_heads": 1,
    "head_dim": 16,
    "vocab_size": 512,
    "hidden_act": "gelu",
    "rms_norm_eps": 1e-6,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
    **TOWERS,
}
LLAMA = {
    **_LANGUAGE,
    "architectures": ["MiniGeminiLlamaForCausalLM"],
    "num_key_value_heads": 4,
    "vocab_size": 320,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "pad_token_id": 0,
    "eos_token_id": 2,
    "bos_token_id": 1,
    **TOWERS,
}


def published_shapes(flat: dict) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor in a published checkpoint with this config.json."""
    towers = {**LARGE_TOWERS, **{key: flat[key] for key in ("vision_config", "aux_config") if key in flat}}
    clip, convnext = _clip(**towers["vision_config"]), _convnext(**towers["aux_config"])
    width, width_aux = towers["vision_config"]["hidden_size"], sum(towers["aux_config"]["hidden_sizes"])
    hidden = flat["hidden_size"]
    links = {"model.mm_projector.0": (hidden, width), "model.mm_projector.2": (hidden, hidden)}
    norms = {}
    for name, size in (("query", width), ("aux", width_aux), ("val", width_aux)):
        norms[f"model.vlm_uni_{name}_projector.0"] = (size,)
        links[f"model.vlm_uni_{name}_projector.1"] = (width, size)
    return {**_language(flat), **clip, **convnext, **_with_bias(norms), **_with_bias(links)}


def filled(shapes: dict[str, tuple[int, ...]], gemma: bool) -> dict[str, torch.Tensor]:
    """Weights that depend on nothing but names and shapes; Gemma's head is its embedding."""
    tensors = {key: torch.from_numpy(_filled(key, shape, gemma)) for key, shape in shapes.items()}
    if gemma and "lm_head.weight" in tensors:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    return tensors


def noise(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers that depend on a name alone."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(shape, dtype=np.float32)


def write_published(
    folder: Path, flat: dict, tensors: dict[str, torch.Tensor], *, n_shards: int = 2, kind: str = "safetensors"
) -> Path:
    """Write config.json and weights as transformers 4.38 did: in shards with an index, or one file for n_shards 1."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(flat))
    stem, save = ("model", save_file) if kind == "safetensors" else ("pytorch_model", torch.save)
    suffix = "safetensors" if kind == "safetensors" else "bin"
    if n_shards == 1:
        save(dict(tensors), folder / f"{stem}.{suffix}")
        return folder
    keys, weight_map = list(tensors), {}
    for shard in range(n_shards):
        name = f"{stem}-{shard + 1:05d}-of-{n_shards:05d}.{suffix}"
        mine = keys[shard::n_shards]
        save({key: tensors[key] for key in mine}, folder / name)
        weight_map.update(dict.fromkeys(mine, name))
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def _filled(key: str, shape: tuple[int, ...], gemma: bool) -> np.ndarray:
    x = noise(key, shape)
    rms = key.startswith("model.layers.") or key == "model.norm.weight"
    if key.endswith(".gamma"):
        return 0.5 + np.float32(0.1) * x
    if len(shape) == 1 and key.endswith("weight"):
        return np.float32(0.1) * x if gemma and rms else 1 + np.float32(0.1) * x
    if len(shape) == 1:
        return np.float32(0.02) * x
    if len(shape) == 2 and "embed" in key:
        return np.float32(0.5) * x
    return x / np.float32(math.sqrt(math.prod(shape[1:])))


def _language(flat: dict) -> dict[str, tuple[int, ...]]:
    hidden, inner, heads = flat["hidden_size"], flat["intermediate_size"], flat["num_attention_heads"]
    head = flat.get("head_dim", hidden // heads)
    grouped = flat["num_key_value_heads"] * head
    shapes = {"model.embed_tokens.weight": (flat["vocab_size"], hidden)}
    for i in range(flat["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        shapes |= {
            f"{layer}.self_attn.q_proj.weight": (heads * head, hidden),
            f"{layer}.self_attn.k_proj.weight": (grouped, hidden),
            f"{layer}.self_attn.v_proj.weight": (grouped, hidden),
            f"{layer}.self_attn.o_proj.weight": (hidden, heads * head),
            f"{layer}.mlp.gate_proj.weight": (inner, hidden),
            f"{layer}.mlp.up_proj.weight": (inner, hidden),
            f"{layer}.mlp.down_proj.weight": (hidden, inner),
            f"{layer}.input_layernorm.weight": (hidden,),
            f"{layer}.post_attention_layernorm.weight": (hidden,),
        }
    return shapes | {"model.norm.weight": (hidden,), "lm_head.weight": (flat["vocab_size"], hidden)}


def _clip(hidden_size: int, intermediate_size: int, num_hidden_layers: int, image_size: int, **_) -> dict:
    tower, width, inner = "model.vision_tower.vision_tower.vision_model", hidden_size, intermediate_size
    shapes = {
        f"{tower}.embeddings.class_embedding": (width,),
        f"{tower}.embeddings.patch_embedding.weight": (width, 3, 14, 14),
        f"{tower}.embeddings.position_embedding.weight": ((image_size // 14) ** 2 + 1, width),
    }
    norms, links = {f"{tower}.pre_layrnorm": (width,), f"{tower}.post_layernorm": (width,)}, {}
    for i in range(num_hidden_layers):
        layer = f"{tower}.encoder.layers.{i}"
        links |= {f"{layer}.self_attn.{name}_proj": (width, width) for name in ("q", "k", "v", "out")}
        links |= {f"{layer}.mlp.fc1": (inner, width), f"{layer}.mlp.fc2": (width, inner)}
        norms |= {f"{layer}.layer_norm1": (width,), f"{layer}.layer_norm2": (width,)}
    return shapes | _with_bias(norms) | _with_bias(links)


def _convnext(depths: list[int], hidden_sizes: list[int]) -> dict[str, tuple[int, ...]]:
    tower = "model.vision_tower_aux"
    both = {f"{tower}.vision_stem.0": (hidden_sizes[0], 3, 4, 4), f"{tower}.vision_stem.1": (hidden_sizes[0],)}
    gammas = {}
    for s, (depth, width) in enumerate(zip(depths, hidden_sizes, strict=True)):
        stage = f"{tower}.vision_stages.{s}"
        if s:
            narrow = hidden_sizes[s - 1]
            both |= {f"{stage}.downsample.0": (narrow,), f"{stage}.downsample.1": (width, narrow, 2, 2)}
        for b in range(depth):
            block = f"{stage}.blocks.{b}"
            gammas[f"{block}.gamma"] = (width,)
            both |= {
                f"{block}.conv_dw": (width, 1, 7, 7),
                f"{block}.norm": (width,),
                f"{block}.mlp.fc1": (4 * width, width),
                f"{block}.mlp.fc2": (width, 4 * width),
            }
    return gammas | _with_bias(both)


def _with_bias(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    weights = {f"{name}.weight": shape for name, shape in shapes.items()}
    return weights | {f"{name}.bias": shape[:1] for name, shape in shapes.items()}
