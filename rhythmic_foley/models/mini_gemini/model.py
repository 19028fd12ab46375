"""Mini-Gemini (arXiv 2403.18814): two picture networks, patch info mining, a projector and a language model.

CLIP sees the picture small, ConvNeXt sees it large. Every CLIP token looks up details in its own window of the
ConvNeXt map (section 3.2 of the paper, "patch info mining"); the result takes the place of the picture in the prompt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import (
    CLIPVisionModel,
    ConvNextModel,
    GemmaForCausalLM,
    GenerationConfig,
    LlamaForCausalLM,
    LogitsProcessorList,
    PreTrainedModel,
)

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.mini_gemini.configuration import MiniGeminiConfig, read_config
from rhythmic_foley.models.mini_gemini.weights import matched, read_tensors

# Stands in a row of token ids where a picture goes; never an id of the vocabulary.
IMAGE_MARK = -200


class MiniGeminiForConditionalGeneration(PreTrainedModel):
    """Answers a question about a picture.

    Args:
        config: the sizes of the parts.
    """

    config_class = MiniGeminiConfig
    base_model_prefix = "mini_gemini"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _no_split_modules = ["GemmaDecoderLayer", "LlamaDecoderLayer", "CLIPEncoderLayer", "ConvNextStage"]

    def __init__(self, config: MiniGeminiConfig):
        super().__init__(config)
        width, width_aux = config.vision_config.hidden_size, sum(config.aux_config.hidden_sizes)
        hidden = config.text_config.hidden_size
        self.vision_tower = CLIPVisionModel(config.vision_config)
        self.aux_tower = ConvNextModel(config.aux_config)
        self.aux_tower.layernorm = nn.Identity()  # the published tower ends with its last stage
        self.query = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.key = nn.Sequential(nn.LayerNorm(width_aux), nn.Linear(width_aux, width))
        self.value = nn.Sequential(nn.LayerNorm(width_aux), nn.Linear(width_aux, width))
        self.mm_projector = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.language_model = (GemmaForCausalLM if config.is_gemma else LlamaForCausalLM)(config.text_config)
        if config.is_gemma and config.exact_gelu:
            for layer in self.language_model.model.layers:
                layer.mlp.act_fn = nn.GELU()
        self.post_init()

    @classmethod
    def from_pretrained(cls, folder: str | Path, *args: Any, **kwargs: Any) -> MiniGeminiForConditionalGeneration:
        """Load a folder as the authors publish it, or as `save_pretrained` writes it.

        Args:
            folder: holds config.json and the weights: safetensors or bin, whole or in shards.
            *args: see `PreTrainedModel.from_pretrained`.
            **kwargs: see `PreTrainedModel.from_pretrained`; dtype (float32 unless given) and device_map matter most.

        Raises:
            FoleyError: where a file, a key or a shape does not fit.
        """
        kwargs.setdefault("dtype", torch.float32)
        config = kwargs.pop("config", None) or read_config(folder)
        with torch.device("meta"):
            expected = {key: tuple(tensor.shape) for key, tensor in cls(config).state_dict().items()}
        state = matched(read_tensors(Path(folder)), expected, tied_head=config.text_config.tie_word_embeddings)
        return super().from_pretrained(None, *args, config=config, state_dict=state, **kwargs)

    def get_input_embeddings(self) -> nn.Module:
        """The language model's."""
        return self.language_model.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        """The language model's."""
        return self.language_model.get_output_embeddings()

    def encode_images(self, lr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        """Turn pictures into what stands for them in a prompt.

        Args:
            lr: (B, V, 3, S, S) low-resolution views as `MiniGeminiProcessor` makes them: the crops row by row, then
                the whole picture where the config wants it; (B, 3, S, S) where there is one view.
            hr: (B, 3, S_aux, S_aux), the same pictures in high resolution.

        Returns:
            (B, tokens_per_image, hidden); the whole picture comes first, then the crops row by row.
        """
        views = lr.unsqueeze(1) if lr.ndim == 4 else lr
        tokens = self.lr_features(views.flatten(0, 1)).unflatten(0, views.shape[:2])  # (B, V, N, C)
        maps = _view_maps(self.hr_features(hr), self.config.image_grid, views.shape[1])
        seen = [self.mm_projector(self.fuse(tokens[:, i], view_map)) for i, view_map in enumerate(maps)]
        if self.config.image_grid > 1 and self.config.image_global:
            seen = seen[-1:] + seen[:-1]
        return torch.cat(seen, dim=1)

    def lr_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """CLIP's tokens before its last layer, without the class token: (B, 3, S, S) -> (B, N, C)."""
        return self.vision_tower(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]

    def hr_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """All four stages of ConvNeXt at the size of the first: (B, 3, S, S) -> (B, D, S/4, S/4)."""
        stages = self.aux_tower(pixels, output_hidden_states=True).hidden_states[1:]
        size = stages[0].shape[-2:]
        return torch.cat([stages[0], *(_resize(stage, size) for stage in stages[1:])], dim=1)

    def fuse(self, tokens: torch.Tensor, hr_map: torch.Tensor) -> torch.Tensor:
        """Tokens with the details they mined: (B, N, C) and (B, D, H, H) -> (B, N, C)."""
        return tokens + self.mine(tokens, hr_map)

    def mine(self, tokens: torch.Tensor, hr_map: torch.Tensor) -> torch.Tensor:
        """Patch info mining: every token attends to its own window of the map (equation 1 of the paper).

        Args:
            tokens: (B, N, C), row by row.
            hr_map: (B, D, H, H); H is a multiple of sqrt(N).

        Returns:
            (B, N, C)
        """
        n_side = math.isqrt(tokens.shape[1])
        positions = hr_map.permute(0, 2, 3, 1)  # (B, H, H, D)
        query = self.query(tokens)  # (B, N, C)
        # Norm and projection act on single positions, so they come first, before anything is copied.
        scores = torch.einsum("bnc,bnpc->bnp", query, _windows(self.key(positions), n_side))
        scores = scores / math.sqrt(query.shape[-1])  # (B, N, P)
        weights = scores.masked_fill(scores.isnan(), 0).softmax(dim=-1)
        return torch.einsum("bnp,bnpc->bnc", weights, _windows(self.value(positions), n_side))

    def build_inputs(
        self,
        input_ids: torch.Tensor,
        lr: torch.Tensor | None = None,
        hr: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Embed prompts and put the pictures in their places.

        Args:
            input_ids: (B, L) with `IMAGE_MARK` where a picture goes.
            lr: low-resolution views of all pictures of all prompts in order, see `encode_images`; None for text alone.
            hr: the same pictures in high resolution.
            attention_mask: (B, L), 0 where padded on the right.

        Returns:
            Embeddings (B, L', hidden) and mask (B, L'), both 0 where padded on the right.

        Raises:
            FoleyError: where a prompt is longer than the model reads; it would lose its question.
        """
        images = iter(()) if lr is None else iter(self._scaled(self.encode_images(lr, hr)))
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        rows = [self._splice(ids[keep.bool()], images) for ids, keep in zip(input_ids, mask, strict=True)]
        longest = max(len(row) for row in rows)
        if longest > self.config.max_prompt_tokens:
            raise FoleyError(
                f"This prompt takes {longest} tokens and Mini-Gemini reads {self.config.max_prompt_tokens}; "
                "show fewer pictures or ask a shorter question."
            )
        embeds = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        lengths = torch.tensor([len(row) for row in rows], device=embeds.device)
        return embeds, (torch.arange(longest, device=embeds.device) < lengths[:, None]).long()

    def forward(
        self,
        input_ids: torch.Tensor,
        lr: torch.Tensor | None = None,
        hr: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits (B, L', vocabulary) at every position; arguments as in `build_inputs`."""
        embeds, mask = self.build_inputs(input_ids, lr, hr, attention_mask)
        return self.language_model(inputs_embeds=embeds, attention_mask=mask).logits

    @torch.no_grad()
    def generate(
        self,
        input_ids: torch.Tensor,
        lr: torch.Tensor | None = None,
        hr: torch.Tensor | None = None,
        *,
        max_new_tokens: int = 128,
        max_time_s: float | None = None,
        stop_ids: Sequence[int] = (),
        logits_processor: LogitsProcessorList | None = None,
        **settings: Any,
    ) -> torch.Tensor:
        """Answer one prompt, always with the likeliest next token.

        Args:
            input_ids: (1, L), see `build_inputs`.
            lr: see `build_inputs`.
            hr: see `build_inputs`.
            max_new_tokens: longest answer.
            max_time_s: begin no further token after this long.
            stop_ids: ids that end an answer, besides the config's.
            logits_processor: sees the logits (1, vocabulary) before every token.
            **settings: further fields of `GenerationConfig`.

        Returns:
            Ids of the answer (1, T), the stop id included.
        """
        embeds, mask = self.build_inputs(input_ids, lr, hr)
        text = self.config.text_config
        own = text.eos_token_id if isinstance(text.eos_token_id, list) else [text.eos_token_id]
        how = {
            "do_sample": False,
            "num_beams": 1,
            "max_new_tokens": max_new_tokens,
            "max_time": max_time_s,
            "eos_token_id": sorted({*own, *stop_ids} - {None}) or None,
            "pad_token_id": text.pad_token_id if text.pad_token_id is not None else 0,
            "bos_token_id": text.bos_token_id,
        }
        return self.language_model.generate(
            inputs_embeds=embeds,
            attention_mask=mask,
            logits_processor=logits_processor,
            generation_config=GenerationConfig(**{**how, **settings}),
        )

    def _scaled(self, images: torch.Tensor) -> torch.Tensor:
        """Gemma expects its input times sqrt(hidden); its embedding does that to words, nobody does it to pictures."""
        return images * math.sqrt(images.shape[-1]) if self.config.is_gemma else images

    def _splice(self, ids: torch.Tensor, images: Any) -> torch.Tensor:
        """One row of ids (L,) without padding -> embeddings (L', hidden), the next picture at every mark."""
        marks = (ids == IMAGE_MARK).nonzero().flatten().tolist()
        pieces, start = [], 0
        for mark in [*marks, len(ids)]:
            pieces.append(self.get_input_embeddings()(ids[start:mark]))
            if mark < len(ids):
                pieces.append(next(images).to(pieces[-1].dtype))
            start = mark + 1
        return torch.cat(pieces)


def _resize(maps: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Bilinear resizing in float32, for in 16 bit it would lose what mining looks for."""
    return F.interpolate(maps.float(), size=tuple(size), mode="bilinear", align_corners=False).to(maps.dtype)


def _view_maps(hr_map: torch.Tensor, grid: int, n_views: int) -> list[torch.Tensor]:
    """The map (B, D, H, H) behind every view: grid x grid blocks row by row, then the whole made small."""
    if grid == 1:
        return [hr_map]
    side = hr_map.shape[-1] // grid
    blocks = [hr_map[..., r * side :, c * side :][..., :side, :side] for r in range(grid) for c in range(grid)]
    whole = [_resize(hr_map, (side, side))] if n_views > grid * grid else []
    return blocks + whole


def _windows(positions: torch.Tensor, n_side: int) -> torch.Tensor:
    """Cut (B, H, H, C) into n_side x n_side windows: (B, N, P, C), both row by row."""
    batch, height, _, channels = positions.shape
    side = height // n_side
    cut = positions.reshape(batch, n_side, side, n_side, side, channels).transpose(2, 3)
    return cut.reshape(batch, n_side * n_side, side * side, channels)
