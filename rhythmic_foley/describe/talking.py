"""Describers that ask a model about pictures: which pictures, which questions, and what becomes of the answers.

A talker answers one question about one picture; `TalkingDescriber` chooses pictures and questions, turns answers into
events and, where no answer is of use, hands over to a fallback and says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import torch

from rhythmic_foley.describe.base import Describer, Description, best_suggestions, unknown
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
from rhythmic_foley.values.events import SoundEvent

MIN_FRAMES, MAX_FRAMES, FRAME_EVERY_S = 4, 8, 2.0
# Frames kept for each that is asked about, because a fallback may look at more; odd, so that the middles agree.
KEPT_PER_FRAME = 5
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


class TalkingDescriber(Describer):
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

    frame_size = (SHEET_SIZE, SHEET_SIZE)
    is_large = True

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
        way = self.way or ("sheet" if self.talker.device.type == "cpu" else "frames")
        n_parts = SHEET_PANELS if way == "sheet" else _n_frames(duration_s)
        spread = nearest_frames(frames, duration_s, KEPT_PER_FRAME * n_parts)
        kept = [(time_s, frame) for _, time_s, frame in spread]
        if not kept:
            return Description((unknown(),), self.name)
        talk = _Talk(self.talker, time.monotonic() + self.time_limit_s)
        events = (self._ask_sheet if way == "sheet" else self._ask_frames)(talk, kept, duration_s)
        events = events or self._ask_sentence(talk, kept)
        if events:
            heard = best_suggestions((event.label, event.confidence) for event in events)
            return Description(events, self.name, talk.notes, heard)
        why = f"{self.name} gave no answer of use ({', '.join(dict.fromkeys(talk.troubles)) or 'no time left'})"
        if self.fallback is None:
            return Description((unknown(),), self.name, (f"{why}; please describe the sounds yourself.",))
        said = self.fallback.look(iter(kept), duration_s)
        return replace(said, notes=(f"{why}, so {self.fallback.name} describes this clip.", *said.notes))

    def close(self) -> None:
        """Free the talker's memory; the next description loads it again."""
        self.talker.close()

    def _ask_frames(self, talk: _Talk, kept: list[tuple[float, np.ndarray]], duration_s: float) -> Events:
        n_parts, found = _n_frames(duration_s), []
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


def _n_frames(duration_s: float) -> int:
    return min(max(round(duration_s / FRAME_EVERY_S), MIN_FRAMES), MAX_FRAMES)


def _trouble(answer: Answer, silent: bool) -> str:
    if silent:
        return SILENCE
    if not answer.finished:
        return ENDLESS
    return RUBBISH if answer.text.strip() else NOTHING
