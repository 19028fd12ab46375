"""Pictures and questions as Mini-Gemini reads them: preprocessing, prompt templates, picture marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.mini_gemini.configuration import MiniGeminiConfig, read_config
from rhythmic_foley.models.mini_gemini.model import IMAGE_MARK

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
PADDING = tuple(int(255 * mean) for mean in MEAN)

IMAGE = "<image>"
GEMMA_TEMPLATE = "<start_of_turn>user\n{said}<end_of_turn>\n<start_of_turn>model\n"
VICUNA_TEMPLATE = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions. USER: {said} ASSISTANT:"
)
END_OF_TURN = "<end_of_turn>"


class MiniGeminiProcessor:
    """Between pictures and words on one side and tensors on the other.

    Args:
        tokenizer: the language model's.
        config: the model's.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, config: MiniGeminiConfig):
        self.tokenizer = tokenizer
        self.config = config

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> MiniGeminiProcessor:
        """Read config and tokenizer from a checkpoint's folder."""
        config = read_config(folder)
        try:
            return cls(AutoTokenizer.from_pretrained(folder, local_files_only=True), config)
        except ImportError:
            raise FoleyError(
                "This Mini-Gemini's tokenizer needs another package; run: pip install sentencepiece protobuf"
            ) from None
        except (OSError, ValueError, TypeError, KeyError):
            raise FoleyError(
                f"The tokenizer in {folder} is missing or damaged (or needs: pip install sentencepiece protobuf)."
            ) from None

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids besides the end of text after which an answer is finished."""
        stop = self.tokenizer.convert_tokens_to_ids(END_OF_TURN) if self.config.is_gemma else None
        return (stop,) if stop is not None and stop != self.tokenizer.unk_token_id else ()

    def pixels(self, picture: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """A picture uint8 (H, W, 3) RGB -> low-resolution views (1, V, 3, S, S) and high resolution (1, 3, S', S')."""
        hr = high_resolution(picture, self.config.image_size_aux)[None]
        return low_resolution(hr, self.config), hr

    def ids(self, question: str, n_images: int = 1) -> torch.Tensor:
        """A question about pictures -> token ids (1, L) with a mark for every picture."""
        chunks = self.prompt(question, n_images).split(IMAGE)
        ids = [self.tokenizer(chunk, add_special_tokens=False)["input_ids"] for chunk in chunks]
        return torch.tensor([with_marks(ids, self.tokenizer.bos_token_id)])

    def prompt(self, question: str, n_images: int = 1) -> str:
        """A question in the words that the language model was trained with."""
        return prompt(question, n_images, gemma=self.config.is_gemma)

    def decode(self, ids: torch.Tensor) -> str:
        """An answer's ids (T,) -> text without special tokens."""
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip()


def prompt(question: str, n_images: int, *, gemma: bool) -> str:
    """Fill the template of Gemma or Vicuna; several pictures are numbered."""
    # A person's question must not ask for pictures that are not there.
    said = question.replace(IMAGE, "").strip()
    for number in range(n_images, 0, -1):
        label = f"Image {number}:" if n_images > 1 else ""
        said = f"{label}{IMAGE}\n{said}"
    return (GEMMA_TEMPLATE if gemma else VICUNA_TEMPLATE).format(said=said)


def with_marks(chunks: Sequence[Sequence[int]], bos_id: int | None) -> list[int]:
    """Join the ids of the chunks between pictures: one begin-of-text at the front, a mark between any two chunks."""
    ids = [] if bos_id is None else [bos_id]
    for index, chunk in enumerate(chunks):
        own_bos = bos_id is not None and len(chunk) > 0 and chunk[0] == bos_id
        ids += ([IMAGE_MARK] if index else []) + list(chunk[1:] if own_bos else chunk)
    return ids


def high_resolution(picture: np.ndarray, size: int) -> torch.Tensor:
    """Pad a picture uint8 (H, W, 3) to a square, resize and normalise it: float32 (3, size, size)."""
    square = _padded(Image.fromarray(np.ascontiguousarray(picture)))
    pixels = np.asarray(square.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float64) / 255
    normal = (pixels.astype(np.float32) - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(normal).permute(2, 0, 1).contiguous()


def low_resolution(hr: torch.Tensor, config: MiniGeminiConfig) -> torch.Tensor:
    """The views that CLIP sees, made from the high resolution: (B, 3, S', S') -> (B, V, 3, S, S)."""
    size, grid = config.vision_config.image_size, config.image_grid
    canvas = _resize(hr, grid * size)
    if grid == 1:
        return canvas.unsqueeze(1)
    views = [
        canvas[..., r * size : (r + 1) * size, c * size : (c + 1) * size] for r in range(grid) for c in range(grid)
    ]
    if config.image_global:
        views.append(_resize(canvas, size))
    return torch.stack(views, dim=1)


def _padded(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    side = max(width, height)
    canvas = Image.new("RGB", (side, side), PADDING)
    canvas.paste(picture, ((side - width) // 2, (side - height) // 2))
    return canvas


def _resize(pixels: torch.Tensor, size: int) -> torch.Tensor:
    # Without antialiasing, as the model was trained.
    return F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False)
