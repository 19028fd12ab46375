"""Describers that ask a model about pictures: any image-text-to-text model of transformers, and what all share.

A talker answers one question about one picture; `TalkingDescriber` chooses pictures and questions, turns answers into
events and, where no answer is of use, hands over to a fallback and says so.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, LogitsProcessor, LogitsProcessorList

from rhythmic_foley.describe.base import Describer, unknown
from rhythmic_foley.describe.parsing import (
    Item,
    finished_part,
    merge_parts,
    parse_answer,
    plausible,
    plausible_items,
    spread_items,
)
from rhythmic_foley.describe.prompts import SHEET_PANELS, SHEET_SIZE, Prompts, contact_sheet, nearest_frames
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import SoundEvent

MIN_FRAMES, MAX_FRAMES, FRAME_EVERY_S = 4, 8, 2.0
# Frames that are kept for the fallback as well, which looks at more of them.
KEPT_FRAMES = 24
FRAME_TOKENS, SHEET_TOKENS, SENTENCE_TOKENS = 128, 256, 64
TIME_LIMIT_S = 300.0
ROOM_TONE = "quiet room tone"

# What can be wrong with an answer, in the words of the notes.
NOTHING, RUBBISH, ENDLESS, SILENCE = "nothing", "rubbish", "an endless answer", "silence"

Way = Literal["frames", "sheet"]
Events = tuple[SoundEvent, ...]


@dataclass(frozen=True)
class Answer:
    """What a model says, whether it came to an end by itself, and how sure it was of its words (0..1)."""

    text: str
    finished: bool = True
    confidence: float = 1.0


@dataclass(frozen=True)
class Description:
    """What sounds, who says so, and what a person should know about it, one sentence each."""

    events: tuple[SoundEvent, ...]
    describer: str
    notes: tuple[str, ...] = ()


class Talker(Protocol):
    """Answers a question about a picture."""

    name: str
    device: torch.device

    def answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        """Answer a question about a picture uint8 (H, W, 3) within so many tokens and seconds."""
        ...

    def close(self) -> None:
        """Free the memory; a later question loads the model again."""
        ...


class TalkingDescriber:
    """A describer that asks a talker, frame by frame or about a contact sheet.

    Args:
        talker: answers questions about pictures.
        prompts: the questions.
        way: "frames" asks about 4 to 8 frames one by one, which says best what sounds when; "sheet" asks once about
            four frames on one picture, which is faster. Unless given: frames on a GPU, the sheet on a CPU.
        fallback: speaks where the talker says nothing of use; without one the answer is `unknown`.
        time_limit_s: no question is asked and no answer goes on after this long.

    Attributes:
        notes: what a person should know about the last description; `look` returns it together with the events, which
            is safer where several clips are described at once.
    """

    def __init__(
        self,
        talker: Talker,
        *,
        prompts: Prompts | None = None,
        way: Way | None = None,
        fallback: Describer | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ):
        self.talker = talker
        self.prompts = prompts or Prompts()
        self.way = way
        self.fallback = fallback
        self.time_limit_s = time_limit_s
        self.notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The talker's."""
        return self.talker.name

    @property
    def frame_size(self) -> tuple[int, int]:
        """Frames that are larger than this (width, height) tell it no more."""
        return SHEET_SIZE, SHEET_SIZE

    @property
    def fingerprint(self) -> str:
        """Changes with whatever may change an answer; for the keys of caches."""
        way = self.way or ("sheet" if self.talker.device.type == "cpu" else "frames")
        return repr((self.name, way, self.prompts, self.time_limit_s, self.fallback and self.fallback.name))

    def describe(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> tuple[SoundEvent, ...]:
        """Say what sounds; see `Describer.describe`. `notes` then tells whether somebody else had to."""
        description = self.look(frames, duration_s)
        self.notes = description.notes
        return description.events

    def look(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> Description:
        """Say what sounds and who says so; arguments as in `Describer.describe`."""
        kept = [(time_s, frame) for _, time_s, frame in nearest_frames(frames, duration_s, KEPT_FRAMES)]
        if not kept:
            return Description((unknown(),), self.name)
        talk = _Talk(self.talker, time.monotonic() + self.time_limit_s)
        way = self.way or ("sheet" if self.talker.device.type == "cpu" else "frames")
        events = (self._ask_sheet if way == "sheet" else self._ask_frames)(talk, kept, duration_s)
        events = events or self._ask_sentence(talk, kept)
        if events:
            return Description(events, self.name, talk.notes)
        why = f"{self.name} gave no answer of use ({', '.join(dict.fromkeys(talk.troubles)) or 'no time left'})"
        if self.fallback is None:
            return Description((unknown(),), self.name, (f"{why}; please describe the sounds yourself.",))
        events = self.fallback.describe(iter(kept), duration_s)
        return Description(events, self.fallback.name, (f"{why}, so {self.fallback.name} describes this clip.",))

    def close(self) -> None:
        """Free the talker's memory; the next description loads it again."""
        self.talker.close()

    def _ask_frames(self, talk: _Talk, kept: list[tuple[float, np.ndarray]], duration_s: float) -> Events:
        n_parts = min(max(round(duration_s / FRAME_EVERY_S), MIN_FRAMES), MAX_FRAMES)
        found = []
        for part, time_s, frame in nearest_frames(iter(kept), duration_s, n_parts):
            items, confidence = talk.ask_list(frame, self.prompts.of_frame(time_s, duration_s), FRAME_TOKENS)
            found.append((part, items, confidence))
        return merge_parts(found, n_parts, duration_s)

    def _ask_sheet(self, talk: _Talk, kept: list[tuple[float, np.ndarray]], duration_s: float) -> Events:
        panels = [frame for _, _, frame in nearest_frames(iter(kept), duration_s, SHEET_PANELS)]
        items, confidence = talk.ask_list(contact_sheet(panels), self.prompts.of_sheet(duration_s), SHEET_TOKENS)
        return spread_items(items, duration_s, confidence)

    def _ask_sentence(self, talk: _Talk, kept: list[tuple[float, np.ndarray]]) -> tuple[SoundEvent, ...]:
        """Where nothing was listed: the picture's description for a background, or silence if that was the answer."""
        if talk.troubles and set(talk.troubles) == {SILENCE}:
            talk.say(f"{self.name} says that nothing in this clip makes a sound.")
            return (SoundEvent(ROOM_TONE, confidence=talk.confidence),)
        sentence = talk.ask_sentence(kept[len(kept) // 2][1], self.prompts.sentence)
        if not sentence:
            return ()
        talk.say(f"{self.name} named no sounds; what it says of the picture stands for the background.")
        return (SoundEvent(f"background sound of: {sentence}", confidence=talk.confidence),)


class _Talk:
    """The questions about one clip: keeps the time, and what was wrong with the answers."""

    def __init__(self, talker: Talker, deadline_s: float):
        self.talker = talker
        self.deadline_s = deadline_s
        self.troubles: list[str] = []
        self.confidence = 0.0
        self.skipped = 0
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        late = (f"There was no time to ask {self.talker.name} about every frame.",) if self.skipped else ()
        return (*self._notes, *late)

    def say(self, note: str) -> None:
        self._notes.append(note)

    def ask_list(self, picture: np.ndarray, question: str, max_new_tokens: int) -> tuple[tuple[Item, ...], float]:
        """The sounds of an answer and how sure they are; none where there is no time or nothing of use."""
        answer = self._ask(picture, question, max_new_tokens)
        if answer is None:
            return (), 0.0
        parsed = parse_answer(answer.text if answer.finished else finished_part(answer.text))
        items = plausible_items(parsed)
        if not items:
            self.troubles.append(_trouble(answer, parsed.silent))
        return items, answer.confidence

    def ask_sentence(self, picture: np.ndarray, question: str) -> str:
        """The first sentence of an answer, "" where it is of no use."""
        answer = self._ask(picture, question, SENTENCE_TOKENS)
        parsed = parse_answer(answer.text if answer and answer.finished else "")
        good = parsed.items and plausible(parsed.items[0].label)
        return parsed.items[0].label if good else ""

    def _ask(self, picture: np.ndarray, question: str, max_new_tokens: int) -> Answer | None:
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            self.skipped += 1
            return None
        answer = self.talker.answer(picture, question, max_new_tokens, left_s)
        self.confidence = answer.confidence
        return answer


def _trouble(answer: Answer, silent: bool) -> str:
    if silent:
        return SILENCE
    if not answer.finished:
        return ENDLESS
    return RUBBISH if answer.text.strip() else NOTHING


class LoadedTalker:
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

    def _load(self) -> Any:
        raise NotImplementedError

    def _answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        raise NotImplementedError


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
        inputs = _inputs(processor, Image.fromarray(np.ascontiguousarray(picture)), question)
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
