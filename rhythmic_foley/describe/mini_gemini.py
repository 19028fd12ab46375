"""Mini-Gemini as a describer: what the paper uses to say what sounds in a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessorList

from rhythmic_foley.describe.image_text_to_text import LoadedTalker, Sureness, ended
from rhythmic_foley.describe.talking import Answer, TalkingDescriber
from rhythmic_foley.models.mini_gemini import MiniGeminiForConditionalGeneration, MiniGeminiProcessor
from rhythmic_foley.models.mini_gemini.configuration import read_config


class MiniGeminiTalker(LoadedTalker):
    """Mini-Gemini from a folder as its authors publish it.

    Args:
        folder: holds config.json, weights and tokenizer.
        device: where it runs; a GPU if there is one unless given.
        dtype: of its weights; 16 bit on a GPU and float32 on a CPU unless given.
    """

    def __init__(self, folder: str | Path, device: str | torch.device | None = None, dtype: torch.dtype | None = None):
        self.folder = Path(folder)
        read_config(self.folder)  # a wrong folder is better refused now than at the first clip
        super().__init__(f"mini-gemini ({self.folder.name})", device, dtype)

    def _load(self) -> Any:
        processor = MiniGeminiProcessor.from_pretrained(self.folder)
        network = MiniGeminiForConditionalGeneration.from_pretrained(self.folder, dtype=self.dtype)
        return processor, network.to(self.device).eval()

    def _answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        processor, network = self._model
        lr, hr = (pixels.to(self.device, network.dtype) for pixels in processor.pixels(picture))
        sureness = Sureness()
        ids = network.generate(
            processor.ids(question).to(self.device),
            lr,
            hr,
            max_new_tokens=max_new_tokens,
            max_time_s=max_time_s,
            stop_ids=processor.stop_ids,
            logits_processor=LogitsProcessorList([sureness]),
        )[0]
        own = network.config.text_config.eos_token_id
        stops = [*(own if isinstance(own, list) else [own]), *processor.stop_ids]
        return Answer(processor.decode(ids), ended(ids, stops), sureness.confidence)


class MiniGeminiDescriber(TalkingDescriber):
    """Asks Mini-Gemini what sounds in a clip (section 3 of the paper)."""

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        **how: Any,
    ) -> MiniGeminiDescriber:
        """Name the folder of a published checkpoint (MGM-2B, MGM-7B ...); it is loaded at the first clip.

        Args:
            folder: see `MiniGeminiTalker`.
            device: see `MiniGeminiTalker`.
            dtype: see `MiniGeminiTalker`.
            **how: see `TalkingDescriber`.

        Raises:
            FoleyError: where the folder holds no Mini-Gemini that is built here.
        """
        return cls(MiniGeminiTalker(folder, device, dtype), **how)
