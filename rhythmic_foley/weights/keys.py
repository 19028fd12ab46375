"""What the published Diff-Foley files call a parameter that diffusers, or we, call otherwise."""

from __future__ import annotations

import re
from collections.abc import Collection

_UNET_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
_UNET_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_VAE_MIDDLE = {"resnets.0": "block_1", "attentions.0": "attn_1", "resnets.1": "block_2"}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def unet_names(keys: Collection[str], layers_per_block: int) -> dict[str, str]:
    """diffusers' name -> Stable Diffusion's, for a whole UNet or its encoder half.

    Stable Diffusion counts through: the stem, then in each level the residual blocks (a transformer beside each) and
    what changes the size.
    """
    attending = {match[0] for key in keys if (match := re.match(r"up_blocks\.\d+\.attentions", key))}
    per_level = layers_per_block + 1

    def place(side: str, level: int, kind: str, index: int) -> str:
        slot = "1" if kind == "attentions" else "0"
        if side == "down":
            if kind == "downsamplers":
                return f"input_blocks.{(level + 1) * per_level}.0"
            return f"input_blocks.{1 + level * per_level + index}.{slot}"
        if kind == "upsamplers":
            slot = "2" if f"up_blocks.{level}.attentions" in attending else "1"
            return f"output_blocks.{level * per_level + layers_per_block}.{slot}"
        return f"output_blocks.{level * per_level + index}.{slot}"

    def rename(key: str) -> str:
        if match := re.fullmatch(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", key):
            side, level, kind, index, rest = match.groups()
            if kind == "downsamplers":
                rest = rest.replace("conv.", "op.")
            name = place(side, int(level), kind, int(index))
        else:
            name, kind, rest = _split_head(key, _UNET_TOP)
        return f"{name}.{_replace_head(rest, _UNET_RESNET) if 'resnets' in kind else rest}"

    return {key: rename(key) for key in keys}


def vae_names(keys: Collection[str]) -> dict[str, str]:
    """diffusers' name -> Stable Diffusion's, for the autoencoder. Its decoder counts levels from the picture's end."""
    levels = 1 + max((int(match[1]) for key in keys if (match := re.search(r"up_blocks\.(\d+)\.", key))), default=-1)

    def rename(key: str) -> str:
        if match := re.fullmatch(r"(encoder|decoder)\.(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", key):
            half, side, level, kind, index, rest = match.groups()
            number = int(level) if side == "down" else levels - 1 - int(level)
            part = {"resnets": f"block.{index}", "downsamplers": "downsample", "upsamplers": "upsample"}[kind]
            return f"{half}.{side}.{number}.{part}.{rest.replace('conv_shortcut', 'nin_shortcut')}"
        if match := re.fullmatch(r"(encoder|decoder)\.mid_block\.(\w+\.\d)\.(.+)", key):
            half, part, rest = match.groups()
            return f"{half}.mid.{_VAE_MIDDLE[part]}.{_replace_head(rest, _VAE_ATTENTION)}"
        return key.replace("conv_norm_out", "norm_out")

    return {key: rename(key) for key in keys}


def classifier_names(keys: Collection[str]) -> dict[str, str]:
    """Our name -> the published one, for the alignment classifier."""
    heads = {"norm_out": "model.out.0", "conv_out": "model.out.2", "score": "model.classifier"}
    trunk = unet_names([key.removeprefix("trunk.") for key in keys if key.startswith("trunk.")], layers_per_block=1)
    names = {f"trunk.{key}": f"model.{name}" for key, name in trunk.items()}
    for key in keys:
        if not key.startswith("trunk."):
            names[key] = _replace_head(key.replace("cond_stage.", "cond_model."), heads)
    return names


def _split_head(key: str, table: dict[str, str]) -> tuple[str, str, str]:
    """(new name, old name, what follows) of the entry that the key starts with."""
    for old, new in table.items():
        if key.startswith(f"{old}."):
            return new, old, key[len(old) + 1 :]
    raise KeyError(key)


def _replace_head(key: str, table: dict[str, str]) -> str:
    try:
        new, _, rest = _split_head(key, table)
    except KeyError:
        return key
    return f"{new}.{rest}"
