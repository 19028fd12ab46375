"""From what a model answers to sounds in time: lists, sentences, and telling an answer from rubbish."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rhythmic_foley.values.events import SoundEvent

MAX_ITEMS = 8
# Detail of what sounds from beginning to end.
BACKGROUND = "background"
LONGEST_LABEL_WORDS, LONGEST_WORD_LETTERS, LONGEST_DETAIL = 25, 24, 200

_TAG = re.compile(r"<[^<>\n]{1,40}>")
_MARKDOWN = re.compile(r"[*`]+(?=\S)|(?<=\S)[*`]+|(?<!\w)_+(?=\S)|(?<=\S)_+(?!\w)")
_OPENER = re.compile(r"\s*(?:[(\[]?\d{1,2}[.)\]:]|[-*\u2022\u2023\u00b7])\s+(?P<text>.*)")
# The prompt for a contact sheet asks for this line, and models like to leave its number out.
_BACKGROUND_LINE = re.compile(r"\s*(?P<text>background\b[^:]{0,30}:\s+.*)", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:the )?background\b.*", re.IGNORECASE)
_SECONDS = r"(\d+(?:\.\d+)?)\s*(?:s|secs?|seconds?)?"
_TIME = re.compile(rf"[\[(]\s*{_SECONDS}\s*(?:-|\u2013|to)\s*{_SECONDS}\s*[\])]\s*:?\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r":\s+|\s[-\u2013\u2014]\s+|\s*\|\s*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|as an ai|language model|unable to|not able to|not possible to"
    r"|(?:i|we) (?:can(?:no|['\u2019])t|do(?: not|n['\u2019]t) (?:know|have|hear)))\b",
    re.IGNORECASE,
)
_SILENCE = re.compile(
    r"(?:there (?:is|are|would be) )?no (?:(?:audible|other|particular|visible) )*(?:sounds?|noises?|audio)\b.*"
    r"|(?:there (?:is|would be) )?(?:complete |total |only )?silence|(?:(?:it|the \w+) is )?(?:completely )?silent"
    r"|nothing(?: (?:can|would) be heard| makes (?:a |any )?sound)?|none|n/?a",
    re.IGNORECASE,
)
_TAILS = frozenset("on in from at near with against over by into under through behind".split())


@dataclass(frozen=True)
class Item:
    """One sound of an answer; `time_s` is (start, end) where the answer says so."""

    label: str
    detail: str = ""
    time_s: tuple[float, float] | None = None


@dataclass(frozen=True)
class Parsed:
    """What an answer says.

    Attributes:
        source: whether the sounds stood in a list or are the answer's sentences.
        items: the sounds, at most `MAX_ITEMS`.
        silent: whether it says that nothing sounds.
    """

    source: Literal["list", "sentences", "none"]
    items: tuple[Item, ...] = ()
    silent: bool = False


def parse_answer(text: str) -> Parsed:
    """Read the sounds out of an answer: its list, or its sentences where it has none."""
    text = _MARKDOWN.sub("", _TAG.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    entries = _entries(text)
    items = [_item(entry) for entry in entries]
    if not entries:
        sentences = (sentence.strip().rstrip(".!?").strip() for sentence in _SENTENCE_END.split(text))
        items = [Item(sentence) for sentence in sentences if sentence]
    silent = any(_SILENCE.fullmatch(item.label.rstrip(".!")) for item in items)
    if not entries:
        items = [item for item in items if len(item.label.split()) >= 2]
    kept = _kept(items)
    source = ("list" if entries else "sentences") if kept else "none"
    return Parsed(source, tuple(kept[:MAX_ITEMS]), silent)


def finished_part(text: str) -> str:
    """An answer that was cut off, without the line it was cut off in."""
    return text.rpartition("\n")[0]


def plausible(text: str) -> bool:
    """Whether a few words can be a description at all: words, not too long, not one over and over."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    letters, signs = sum(map(len, words)), len("".join(text.split()))
    if not words or len(words) > LONGEST_LABEL_WORDS or letters < 0.6 * signs or letters < 2:
        return False
    if max(map(len, words)) > LONGEST_WORD_LETTERS or re.search(r"(.)\1{3}", text):
        return False
    if len(words) >= 4 and len(set(words)) <= len(words) / 2:
        return False
    latin = [word for word in words if word.isascii()]
    return 2 * sum(bool(re.search("[aeiouy]", word)) for word in latin) >= len(latin)


def plausible_items(parsed: Parsed) -> tuple[Item, ...]:
    """The sounds that can be meant; none where most of the answer is rubbish."""
    good = tuple(item for item in parsed.items if plausible(item.label))
    if 2 * len(good) < len(parsed.items):
        return ()
    return tuple(item if plausible(item.detail) else replace(item, detail="") for item in good)


def same_sound(one: str, other: str) -> bool:
    """Whether two labels mean one sound: "dog barking" and "A dog barks", "Footsteps" and "footsteps on gravel"."""
    return _head(one) == _head(other)


def spread_items(items: Sequence[Item], duration_s: float, confidence: float) -> tuple[SoundEvent, ...]:
    """Sounds of a whole clip as events: at their own times, else in equal parts of the clip in the list's order.

    What is called the background lasts from beginning to end.
    """
    part_s, events = duration_s / max(len(items), 1), []
    for index, item in enumerate(items):
        start_s, end_s = index * part_s, (index + 1) * part_s
        if item.time_s is not None and item.time_s[0] < min(item.time_s[1], duration_s):
            start_s, end_s = item.time_s
        if _BACKGROUND.fullmatch(item.label):
            label, detail = (item.detail, BACKGROUND) if item.detail else (item.label, "")
            events.append(_event(Item(label, detail), 0.0, duration_s, duration_s, confidence))
        else:
            events.append(_event(item, start_s, end_s, duration_s, confidence))
    return tuple(sorted(events, key=lambda event: event.start_s))


def merge_parts(
    parts: Sequence[tuple[int, Sequence[Item], float]], n_parts: int, duration_s: float
) -> tuple[SoundEvent, ...]:
    """Sounds of single parts of a clip as events; a sound of neighbouring parts is one event.

    Args:
        parts: (part, its sounds in order, confidence), in order; parts may be missing.
        n_parts: into how many equal parts the clip was cut.
        duration_s: length of the clip.
    """
    runs: list[tuple[Item, int, list[float]]] = []  # item, first part, confidence in every part
    for part, items, confidence in parts:
        for item in items:
            for index, (known, first, sure) in enumerate(runs):
                if first + len(sure) == part and same_sound(known.label, item.label):
                    runs[index] = (replace(known, detail=known.detail or item.detail), first, [*sure, confidence])
                    break
            else:
                runs.append((item, part, [confidence]))
    part_s = duration_s / n_parts
    events = [
        _event(item, first * part_s, (first + len(sure)) * part_s, duration_s, sum(sure) / len(sure))
        for item, first, sure in runs
    ]
    return tuple(sorted(events, key=lambda event: event.start_s))


def _entries(text: str) -> list[str]:
    """The list's entries, each with the plain lines that continue it."""
    entries: list[str] = []
    is_open = False
    for line in text.split("\n"):
        if opener := _OPENER.fullmatch(line) or _BACKGROUND_LINE.fullmatch(line):
            entries.append(opener["text"].strip())
            is_open = True
        elif not line.strip():
            is_open = False
        elif is_open:
            entries[-1] += " " + line.strip()
    return [entry for entry in entries if entry]


def _item(entry: str) -> Item:
    time_s = None
    if found := _TIME.match(entry):
        time_s, entry = (float(found[1]), float(found[2])), entry[found.end() :]
    label, *detail = _SEPARATOR.split(entry, maxsplit=1)
    return Item(" ".join(label.split()).rstrip(":"), " ".join(" ".join(detail).split())[:LONGEST_DETAIL], time_s)


def _kept(items: Sequence[Item]) -> list[Item]:
    """Without refusals, silence and repeated labels."""
    kept: dict[str, Item] = {}
    for item in items:
        key = " ".join(_words(item.label))
        silent = _SILENCE.fullmatch(item.label.rstrip(".!"))
        if key and not silent and not _REFUSAL.search(f"{item.label} {item.detail}"):
            kept.setdefault(key, item)
    return list(kept.values())


def _words(label: str) -> list[str]:
    """Lower case, without punctuation and articles."""
    return [word for word in re.findall(r"\w+", label.lower()) if word not in ("a", "an", "the")]


def _head(label: str) -> frozenset[str]:
    """What a label is about: its words up to where or on what, without -ing and -s."""
    words = _words(label)
    tail = next((index for index, word in enumerate(words) if word in _TAILS and index), len(words))
    return frozenset(_stem(word) for word in words[:tail])


def _stem(word: str) -> str:
    for ending in ("ing", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _event(item: Item, start_s: float, end_s: float, duration_s: float, confidence: float) -> SoundEvent:
    """An event within the clip; one that reaches the clip's end is left open."""
    end = None if end_s >= duration_s - 1e-6 else round(end_s, 3)
    return SoundEvent(item.label, item.detail, round(start_s, 3), end, round(min(max(confidence, 0.0), 1.0), 3))
