"""Say at once which words of a description the model does not know, with the nearest sounds that it does know.

The text encoder reads English only and makes something of every text, so that nobody would notice otherwise.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rhythmic_foley.describe.wordbook import Wordbook
from rhythmic_foley.errors import quoted

N_NEAREST = 3
# Cosine similarity to the nearest text that the model has learnt. Of the wordings that are kept for evaluation 1 in
# 100 lies below; texts of other languages and rubbish mostly do.
FAR = 0.45
# So near a text is understood even if some of its words are new.
NEAR = 0.6
# At least this share of the words in another language makes a text one of that language.
FOREIGN_SHARE = 0.34

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_NEGATION = re.compile(
    r"(?:^|[\s,;:(])(?:but |and |with )?(?:no|not|without|never|minus|except(?: for)?|don['\u2019]?t want)\s+"
    r"(?:any |the |a )?"
    r"(?P<what>[^,;.()]+)",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s*[,;]\s*$|^\s*[,;]\s*")


@dataclass(frozen=True)
class WordNote:
    """What is to be said about a text.

    Attributes:
        sentence: for the person.
        nearest: sounds that the model knows and that are meant perhaps, the nearest first.
        negative: what the text says should not be heard; belongs into `Controls.negative`.
        rest: the text without that.
    """

    sentence: str
    nearest: tuple[str, ...] = ()
    negative: str = ""
    rest: str = ""


def check_words(text: str, book: Wordbook) -> tuple[WordNote, ...]:
    """Check one description.

    Args:
        text: as a person typed it; an empty one is fine.
        book: what the model has learnt.

    Returns:
        Notes in the order in which they matter; none where the model understands the text.
    """
    text = " ".join(text.split())
    if not text:
        return ()
    notes = []
    negated = _negated(text)
    if negated is not None:
        notes.append(negated)
    plain = negated.rest if negated else text
    strange = _pictures(plain, book) or _foreign(plain, book) or _unlearnt(plain, book)
    if strange is not None:
        notes.append(strange)
    left_out = book.left_out(text)
    if left_out:
        notes.append(WordNote(f"The model reads no further than this; left out: {quoted(left_out)}."))
    return tuple(notes)


def _negated(text: str) -> WordNote | None:
    """What a text wants not to hear: the encoder would hear it all the more."""
    found = list(_NEGATION.finditer(text))
    if not found:
        return None
    what = ", ".join(match["what"].strip() for match in found)
    rest = _SPACES.sub("", _NEGATION.sub("", text)).strip()
    sentence = f'The model does not understand "no"; put {quoted(what)} under "Not to be heard" (--negative) instead.'
    return WordNote(sentence, negative=what, rest=rest)


def _pictures(text: str, book: Wordbook) -> WordNote | None:
    """Emoji and other signs."""
    signs = [sign for sign in text if unicodedata.category(sign) == "So" or "\U0001f000" <= sign <= "\U0001faff"]
    if not signs:
        return None
    names = " ".join(unicodedata.name(sign, "").lower().replace("face", "") for sign in signs)
    nearest = book.complete(f"{' '.join(_words(text))} {names}", N_NEAREST)
    return WordNote(
        f"The model reads words and no pictures ({' '.join(dict.fromkeys(signs))}). {_did_you_mean(nearest)}", nearest
    )


def _foreign(text: str, book: Wordbook) -> WordNote | None:
    """A text in another language, by its letters or by its words."""
    words = _words(text)
    letters = [letter for letter in text if letter.isalpha()]
    other = [letter for letter in letters if not unicodedata.name(letter, "LATIN").startswith("LATIN")]
    if other:
        return WordNote(f"The model reads English, in Latin letters; it does not understand {quoted(text)}.")
    table = _foreign_words()
    hits = [word for word in words if word in table and not book.has_learnt(word)]
    english = [word for word in words if word not in hits and book.has_word(word)]
    unknown = [word for word in words if word not in english]
    if not hits or len(unknown) < FOREIGN_SHARE * len(words):
        return None
    language = max({table[word][0] for word in hits}, key=[table[word][0] for word in hits].count)
    meant = [table[word][1] if word in hits else word for word in words if word in hits or word in english]
    nearest = book.nearest(" ".join(meant), N_NEAREST)
    return WordNote(f"The model reads English, and {quoted(text)} looks {language}. {_did_you_mean(nearest)}", nearest)


def _unlearnt(text: str, book: Wordbook) -> WordNote | None:
    """Words that are no words, or nothing of the kind among what was learnt."""
    words = _words(text)
    unknown = [word for word in words if not book.has_word(word)]
    if book.similarity(text) >= (NEAR if unknown else FAR):
        return None
    nearest = book.nearest(text, N_NEAREST)
    what = ", ".join(map(quoted, unknown)) if unknown and len(unknown) < len(words) else quoted(text)
    if not words:
        what = quoted(text)
    return WordNote(f"The model has not learnt {what}. {_did_you_mean(nearest)}", nearest)


def _did_you_mean(nearest: Sequence[str]) -> str:
    return f"Nearest known sounds: {', '.join(nearest)}."


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


@cache
def _foreign_words() -> dict[str, tuple[str, str]]:
    """Word -> (language, English)."""
    text = resources.files("rhythmic_foley.describe").joinpath("foreign_words.csv").read_text(encoding="utf-8")
    return {row["word"]: (row["language"], row["english"]) for row in csv.DictReader(text.splitlines())}
