"""Reads Synchformer's published weights: its checkpoint 24-01-04T16-39-21.pt, or the bare state dict of MMAudio."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.synchformer import Synchformer, SynchformerSize
from rhythmic_foley.weights.checkpoint import read_state

PUBLISHED = SynchformerSize()
# What is ours -> what is published; the first that matches.
_POOL = (
    (r"first$", "cls_token"),
    (r"attention\.[qkv]\.(weight|bias)$", r"self_attn.in_proj_\1"),
    (r"attention\.out", "self_attn.out_proj"),
    (r"mlp\.0", "linear1"),
    (r"mlp\.2", "linear2"),
    (r"(norm\d)", r"\1"),
)
_VIDEO = (
    (r"patches", "patch_embed_3d.proj"),
    (r"first$", "cls_token"),
    (r"place$", "pos_embed"),
    (r"moment$", "temp_embed"),
    (r"(blocks\.\d+)\.time\.[qkv]", r"\1.timeattn.qkv"),
    (r"(blocks\.\d+)\.space\.[qkv]", r"\1.attn.qkv"),
    (r"(blocks\.\d+)\.time\.out", r"\1.timeattn.proj"),
    (r"(blocks\.\d+)\.space\.out", r"\1.attn.proj"),
    (r"(blocks\.\d+)\.mlp\.0", r"\1.mlp.fc1"),
    (r"(blocks\.\d+)\.mlp\.2", r"\1.mlp.fc2"),
)
_AUDIO = (
    (r"patches", "embeddings.patch_embeddings.projection"),
    (r"first$", "embeddings.cls_token"),
    (r"second$", "embeddings.distillation_token"),
    (r"place$", "embeddings.position_embeddings"),
    (r"norm", "layernorm"),
    (r"blocks\.(\d+)\.attention\.q", r"encoder.layer.\1.attention.attention.query"),
    (r"blocks\.(\d+)\.attention\.k", r"encoder.layer.\1.attention.attention.key"),
    (r"blocks\.(\d+)\.attention\.v", r"encoder.layer.\1.attention.attention.value"),
    (r"blocks\.(\d+)\.attention\.out", r"encoder.layer.\1.attention.output.dense"),
    (r"blocks\.(\d+)\.mlp\.0", r"encoder.layer.\1.intermediate.dense"),
    (r"blocks\.(\d+)\.mlp\.2", r"encoder.layer.\1.output.dense"),
    (r"blocks\.(\d+)\.norm1", r"encoder.layer.\1.layernorm_before"),
    (r"blocks\.(\d+)\.norm2", r"encoder.layer.\1.layernorm_after"),
)
_SYNC = (
    (r"video\.", "vproj."),
    (r"audio\.", "aproj."),
    (r"video_norm", "transformer.vis_in_lnorm"),
    (r"audio_norm", "transformer.aud_in_lnorm"),
    (r"first$", "transformer.OFF_tok"),
    (r"between$", "transformer.MOD_tok"),
    (r"place$", "transformer.pos_emb_cfg.pos_emb"),
    (r"norm", "transformer.ln_f"),
    (r"head", "transformer.off_head"),
    (r"(blocks\.\d+)\.attention\.q", r"transformer.\1.attn.query"),
    (r"(blocks\.\d+)\.attention\.k", r"transformer.\1.attn.key"),
    (r"(blocks\.\d+)\.attention\.v", r"transformer.\1.attn.value"),
    (r"(blocks\.\d+)\.attention\.out", r"transformer.\1.attn.proj"),
    (r"(blocks\.\d+)\.norm(\d)", r"transformer.\1.ln\2"),
    (r"(blocks\.\d+\.mlp)", r"transformer.\1"),
)
_PARTS = (
    ("video.pool.", "vfeat_extractor.spatial_attn_agg.", _POOL),
    ("audio.pool.", "afeat_extractor.freq_attn_agg.", _POOL),
    ("video.", "vfeat_extractor.", _VIDEO),
    ("audio.", "afeat_extractor.ast.", _AUDIO),
    ("sync.", "", _SYNC),
)
# Lies in the files and reads no picture: the flat patches that Motionformer was pretrained from.
_UNUSED = re.compile(r"vfeat_extractor\.patch_embed\.proj\.(weight|bias)")
# Queries, keys and values in one.
_PACKED = re.compile(r"\.qkv\.|\.in_proj_")


def published_name(ours: str) -> str:
    """What the published files call a parameter of `Synchformer`; three of ours may share one there."""
    for prefix, published, table in _PARTS:
        if ours.startswith(prefix):
            rest = ours.removeprefix(prefix)
            for pattern, name in table:
                if re.match(pattern, rest):
                    return published + re.sub(pattern, name, rest, count=1)
            return published + rest
    raise KeyError(ours)


def read_synchformer(path: str | Path, size: SynchformerSize = PUBLISHED) -> Synchformer:
    """Reads the network, every tensor of it.

    Raises:
        FoleyError: if the file lacks a tensor, has one of another shape or has one that is not known.
    """
    state = read_state(Path(path))
    with torch.device("meta"):
        network = Synchformer(size)
    taken, own = set(), {}
    for name, parameter in network.state_dict().items():
        published = published_name(name)
        if published not in state:
            raise FoleyError(f"{path} is not Synchformer's checkpoint: {published} is missing.")
        tensor, packed = state[published], 3 if _PACKED.search(published) else 1
        wanted = (packed * parameter.shape[0], *parameter.shape[1:])
        if tuple(tensor.shape) != wanted:
            shapes = f"{tuple(tensor.shape)} instead of {wanted}"
            raise FoleyError(f"{path} is not the Synchformer that DeSync is defined by: {published} is {shapes}.")
        if packed > 1:
            tensor = tensor.chunk(3)["qkv".index(re.search(r"\.([qkv])\.", name)[1])]
        taken.add(published)
        own[name] = tensor.float()
    if strange := sorted(name for name in state.keys() - taken if not _UNUSED.fullmatch(name)):
        raise FoleyError(f"{path} holds more than Synchformer: {strange[0]} is not known.")
    network.load_state_dict(own, assign=True)
    return network.eval()
