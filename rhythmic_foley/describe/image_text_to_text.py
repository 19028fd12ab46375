"""Models that answer questions about pictures: loaded when they are first asked, any of transformers' among them."""

from __future__ import annotations

import gc
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, LogitsProcessor, LogitsProcessorList

from rhythmic_foley.describe.talking import Answer, TalkingDescriber
from rhythmic_foley.errors import FoleyError


class LoadedTalker(ABC):
    """A talker whose model is loaded at the first question and again after `close`. One question at a time."""

    def __init__(self, name: str, device: str | torch.device | None = None, dtype: torch.dtype | None = None):
        self.name = name
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = dtype or _dtype(self.device)
        self._model: Any = None
        self._lock = threading.Lock()

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._model is not None

    def answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        """See `Talker.answer`."""
        with self._lock:
            try:
                if self._model is None:
                    self._model = self._load()
                with torch.inference_mode():
                    return self._answer(picture, question, max_new_tokens, max_time_s)
            except torch.OutOfMemoryError:
                self._free()
                raise FoleyError(
                    f"{self.name} does not fit into the GPU's memory; run it on the CPU or choose another describer."
                ) from None

    def close(self) -> None:
        """Free the memory; a later question loads the model again."""
        with self._lock:
            self._free()

    def _free(self) -> None:
        self._model = None
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @abstractmethod
    def _load(self) -> Any:
        """The model, into memory."""

    @abstractmethod
    def _answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        """What the loaded model says; see `Talker.answer`."""


class TransformersTalker(LoadedTalker):
    """Any image-text-to-text model of transformers.

    Args:
        model: a folder, or the name of a model on the Hugging Face Hub.
        device: where it runs; a GPU if there is one unless given.
        dtype: of its weights; 16 bit on a GPU and float32 on a CPU unless given.
    """

    def __init__(self, model: str | Path, device: str | torch.device | None = None, dtype: torch.dtype | None = None):
        self.model = str(model)
        super().__init__(Path(model).name if Path(model).is_dir() else self.model, device, dtype)

    def _load(self) -> Any:
        """The processor and the model; code that comes with a model is never run."""
        try:
            processor = AutoProcessor.from_pretrained(self.model, trust_remote_code=False)
            network = AutoModelForImageTextToText.from_pretrained(
                self.model, dtype=self.dtype, trust_remote_code=False
            )
        except ImportError as error:
            package = str(error).partition("requires the ")[2].partition(" ")[0] or "another package"
            raise FoleyError(f"{self.name} needs {package}, which is not installed; choose another model.") from None
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            raise FoleyError(
                f"{self.name} cannot be loaded; give a folder or a Hugging Face name of an image-text-to-text model."
            ) from None
        return processor, network.to(self.device).eval()

    def _answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        processor, network = self._model
        try:
            inputs = _inputs(processor, Image.fromarray(np.ascontiguousarray(picture)), question)
        except (ImportError, ValueError, TypeError, KeyError, IndexError, AttributeError):
            raise FoleyError(f"{self.name} takes no question about a picture here; choose another model.") from None
        inputs = inputs.to(self.device, dtype=network.dtype)
        sureness = Sureness()
        ids = network.generate(
            **inputs,
            do_sample=False,
            num_beams=1,
            max_new_tokens=max_new_tokens,
            max_time=max_time_s,
            logits_processor=LogitsProcessorList([sureness]),
        )[0]
        asked = inputs["input_ids"][0]
        if len(ids) >= len(asked) and torch.equal(ids[: len(asked)], asked):  # most models repeat the question
            ids = ids[len(asked) :]
        text = processor.decode(ids, skip_special_tokens=True).strip()
        return Answer(text, ended(ids, network.generation_config.eos_token_id), sureness.confidence)


class ImageTextToTextDescriber(TalkingDescriber):
    """A describer on any image-text-to-text model of transformers."""

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        **how: Any,
    ) -> ImageTextToTextDescriber:
        """Name a folder or a model on the Hugging Face Hub; it is loaded (and downloaded) at the first clip.

        Args:
            model: the folder or name.
            device: see `TransformersTalker`.
            dtype: see `TransformersTalker`.
            **how: see `TalkingDescriber`.
        """
        return cls(TransformersTalker(model, device, dtype), **how)


class Sureness(LogitsProcessor):
    """Watches the likeliest next token, which greedy decoding takes: the geometric mean of its probability."""

    def __init__(self) -> None:
        self.logs: list[float] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Note the probability of the likeliest token in scores (1, vocabulary); change nothing."""
        self.logs.append(float(scores.float().log_softmax(dim=-1).max()))
        return scores

    @property
    def confidence(self) -> float:
        """0..1, 0 where nothing was said."""
        return float(np.exp(np.mean(self.logs))) if self.logs else 0.0


def ended(ids: torch.Tensor, stop_ids: int | Iterable[int] | None) -> bool:
    """Whether an answer's ids (T,) end as the model meant them to."""
    stops = {stop_ids} if isinstance(stop_ids, int) else set(stop_ids or ())
    return len(ids) > 0 and int(ids[-1]) in stops


def _inputs(processor: Any, picture: Image.Image, question: str) -> Any:
    if getattr(processor, "chat_template", None):
        content = [{"type": "image", "image": picture}, {"type": "text", "text": question}]
        return processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
    mark = getattr(processor, "image_token", None)
    return processor(images=picture, text=f"{mark}\n{question}" if mark else question, return_tensors="pt")


def _dtype(device: torch.device) -> torch.dtype:
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if device.type != "cuda" or torch.cuda.is_bf16_supported() else torch.float16
