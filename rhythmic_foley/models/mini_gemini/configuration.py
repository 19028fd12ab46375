"""What a Mini-Gemini is made of, read from our own nested config or from the published flat one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import CLIPVisionConfig, ConvNextConfig, GemmaConfig, LlamaConfig, PretrainedConfig

from rhythmic_foley.errors import FoleyError

# The towers have no place in the published config: CLIP ViT-L/14 at 336 pixels and ConvNeXt-L.
CLIP_LARGE = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
    "projection_dim": 768,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
CONVNEXT_LARGE = {"depths": [3, 3, 27, 3], "hidden_sizes": [192, 384, 768, 1536]}

_TEXT_KEYS = (
    "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads head_dim "
    "max_position_embeddings initializer_range rms_norm_eps attention_bias attention_dropout use_cache "
    "bos_token_id eos_token_id pad_token_id"
).split()
_GEMMA_2B = {
    "hidden_size": 2048,
    "intermediate_size": 16384,
    "num_hidden_layers": 18,
    "num_attention_heads": 8,
    "num_key_value_heads": 1,
    "head_dim": 256,
    "vocab_size": 256000,
}
# Mini-Gemini on Yi-34B and Llama 3 have larger vocabularies, and other prompts than Vicuna's.
_LARGEST_VICUNA_VOCABULARY = 32064


class MiniGeminiConfig(PretrainedConfig):
    """Configuration of `MiniGeminiForConditionalGeneration`; the defaults are MGM-2B.

    Args:
        text_config: a GemmaConfig or LlamaConfig, or its dictionary with "model_type".
        vision_config: the low-resolution tower, a CLIPVisionConfig or its dictionary.
        aux_config: the high-resolution tower, a ConvNextConfig or its dictionary.
        image_size_aux: side of the high-resolution picture in pixels.
        image_grid: the low-resolution picture is cut into image_grid x image_grid crops.
        image_global: whether a grid also gets the picture as a whole.
        max_prompt_tokens: most tokens of a prompt, pictures included.
        exact_gelu: whether Gemma's MLP uses the erf GELU that the published weights were trained with.
    """

    model_type = "mini_gemini"
    sub_configs = {"text_config": PretrainedConfig, "vision_config": CLIPVisionConfig, "aux_config": ConvNextConfig}

    def __init__(
        self,
        text_config: GemmaConfig | LlamaConfig | dict[str, Any] | None = None,
        vision_config: CLIPVisionConfig | dict[str, Any] | None = None,
        aux_config: ConvNextConfig | dict[str, Any] | None = None,
        image_size_aux: int = 768,
        image_grid: int = 1,
        image_global: bool = False,
        max_prompt_tokens: int = 2048,
        exact_gelu: bool = True,
        **kwargs: Any,
    ):
        self.text_config = _text_config(text_config)
        self.vision_config = _nested(CLIPVisionConfig, vision_config, CLIP_LARGE)
        fixed = {"num_channels": 3, "patch_size": 4, "hidden_act": "gelu", "layer_norm_eps": 1e-6}
        self.aux_config = _nested(ConvNextConfig, aux_config, {**CONVNEXT_LARGE, **fixed, "drop_path_rate": 0.0})
        self.image_size_aux = image_size_aux
        self.image_grid = image_grid
        self.image_global = image_global
        self.max_prompt_tokens = max_prompt_tokens
        self.exact_gelu = exact_gelu
        kwargs.setdefault("tie_word_embeddings", self.text_config.tie_word_embeddings)
        super().__init__(**kwargs)

    @property
    def is_gemma(self) -> bool:
        """True for Gemma, False for Llama: they differ in prompts, scaling and the tied head."""
        return self.text_config.model_type == "gemma"

    @property
    def n_views(self) -> int:
        """How many low-resolution pictures one picture gives."""
        return self.image_grid**2 + (1 if self.image_grid > 1 and self.image_global else 0)

    @property
    def tokens_per_image(self) -> int:
        """How many places one picture takes in a prompt."""
        return self.n_views * (self.vision_config.image_size // self.vision_config.patch_size) ** 2

    @classmethod
    def from_published(cls, flat: dict[str, Any]) -> MiniGeminiConfig:
        """Read the config.json of a published checkpoint, which is flat and has no model_type.

        Every key is optional. "vision_config" and "aux_config", which no published file has, describe smaller towers.

        Raises:
            FoleyError: where it asks for a language model or a projector that is not built here.
        """
        _check_published(flat)
        gemma = _names_gemma(flat)
        text = {key: flat[key] for key in _TEXT_KEYS if flat.get(key) is not None}
        rope = {"rope_type": "default", **(flat.get("rope_scaling") or {}), "rope_theta": flat.get("rope_theta", 1e4)}
        text["rope_parameters"] = rope
        if gemma:
            # "gelu" would only make the library log that it takes the tanh form; see exact_gelu.
            text_config = GemmaConfig(**{**_GEMMA_2B, **text}, hidden_act="gelu_pytorch_tanh")
        else:
            text_config = LlamaConfig(**text, tie_word_embeddings=flat.get("tie_word_embeddings", False))
        config = cls(
            text_config=text_config,
            vision_config=flat.get("vision_config"),
            aux_config=flat.get("aux_config"),
            image_size_aux=flat.get("image_size_aux", 768),
            image_grid=flat.get("image_grid") or 1,
            image_global=bool(flat.get("image_global", False)),
            max_prompt_tokens=flat.get("tokenizer_model_max_length", 2048),
            exact_gelu=flat.get("hidden_act", "gelu") == "gelu",
        )
        _check_widths(flat, config)
        return config


def read_config(folder: str | Path) -> MiniGeminiConfig:
    """The config of a folder in the published layout or in our own."""
    path = Path(folder) / "config.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise FoleyError(f"There is no Mini-Gemini in {folder}: it has no config.json.") from None
    except ValueError:
        raise FoleyError(f"{path} is damaged; download Mini-Gemini again.") from None
    model_type = data.get("model_type") if isinstance(data, dict) else None
    if model_type == MiniGeminiConfig.model_type:
        return MiniGeminiConfig.from_dict(data)
    # Some copies on the hub were given a model_type afterwards.
    if not isinstance(data, dict) or (model_type and not str(model_type).startswith(("mgm", "mini_gemini"))):
        raise FoleyError(f"{folder} holds a {model_type or 'model of another kind'}, not a Mini-Gemini.")
    return MiniGeminiConfig.from_published(data)


def _text_config(given: Any) -> GemmaConfig | LlamaConfig:
    if given is None:
        return GemmaConfig(**_GEMMA_2B)
    if not isinstance(given, dict):
        return given
    classes = {"gemma": GemmaConfig, "llama": LlamaConfig}
    if given.get("model_type") not in classes:
        raise FoleyError(f"Mini-Gemini is built on Gemma or Llama here, not on {given.get('model_type')}.")
    return classes[given["model_type"]](**given)


def _nested(kind: type, given: Any, defaults: dict[str, Any]) -> Any:
    return given if isinstance(given, kind) else kind(**{**defaults, **(given or {})})


def _names_gemma(flat: dict[str, Any]) -> bool:
    """By architecture where it is named, else by what only Gemma has."""
    names = " ".join(flat.get("architectures") or ()).lower()
    if "gemma" in names or "llama" in names:
        return "gemma" in names
    if names:
        raise FoleyError(f"Mini-Gemini is built on Gemma or Llama here, not on {flat['architectures'][0]}.")
    return flat.get("head_dim", 256) == 256 and flat.get("vocab_size", 256000) == 256000


def _check_published(flat: dict[str, Any]) -> None:
    for key, built in (
        ("mm_projector_type", "mlp2x_gelu"),
        ("mm_vision_select_layer", -2),
        ("mm_vision_select_feature", "patch"),
        ("image_aspect_ratio", "pad"),
        ("mm_use_im_start_end", False),
        ("aux_with_fpn", False),
        ("aux_img_fold", False),
    ):
        if flat.get(key, built) != built:
            raise FoleyError(f"This Mini-Gemini was built with {key} {flat[key]!r}; only {built!r} is supported.")
    if not _names_gemma(flat) and flat.get("vocab_size", 32000) > _LARGEST_VICUNA_VOCABULARY:
        raise FoleyError("This Mini-Gemini is built on neither Gemma nor Vicuna; use MGM-2B, MGM-7B or MGM-13B.")


def _check_widths(flat: dict[str, Any], config: MiniGeminiConfig) -> None:
    for key, built in (
        ("mm_hidden_size", config.vision_config.hidden_size),
        ("mm_hidden_size_aux", sum(config.aux_config.hidden_sizes)),
    ):
        if flat.get(key, built) != built:
            raise FoleyError(
                f"This Mini-Gemini needs a picture network with {key} {flat[key]}, which is not built here."
            )
