"""What the model does not know is said at once, with the nearest that it knows; known sounds complete as one types."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhythmic_foley.describe.word_check import check_words
from rhythmic_foley.describe.wordbook import Wordbook, is_known, known_texts
from rhythmic_foley.describe.wordings import read_wordings
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.words import open_wordbook

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "mini"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Wordbook:
    return open_wordbook(CHECKPOINT, Cache(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize(
    ("text", "says", "nearest"),
    [
        ("chien qui aboie", "looks French", "dog barking"),
        ("Hund bellt", "looks German", "dog barking"),
        ("lluvia cayendo", "looks Spanish", "rain falling"),
        ("schritte auf kies", "looks German", "footstep on gravel"),
        ("hammer \U0001f528", "no pictures", "hammer hit"),
        ("\U0001f436", "no pictures", "dog barking"),
        ("asdfgh qwerty", "has not learnt", ""),
        ("\u0441\u043e\u0431\u0430\u043a\u0430 \u043b\u0430\u0435\u0442", "Latin letters", ""),
    ],
)
def test_what_is_not_understood_is_said_with_the_nearest_known(book: Wordbook, text, says, nearest) -> None:
    (note,) = check_words(text, book)
    assert says in note.sentence
    assert not nearest or nearest in note.nearest


@pytest.mark.parametrize(
    ("text", "negative", "rest"),
    [
        ("hammer, no music", "music", "hammer"),
        ("footsteps without talking", "talking", "footsteps"),
        ("hammer but no voices, footsteps", "voices", "hammer, footsteps"),
    ],
)
def test_what_shall_not_be_heard_is_offered_for_its_own_field(book: Wordbook, text, negative, rest) -> None:
    (note,) = check_words(text, book)
    assert (note.negative, note.rest) == (negative, rest) and "Not to be heard" in note.sentence


def test_what_lies_beyond_the_encoder_is_named(book: Wordbook) -> None:
    (note,) = check_words("the wind howls and rain falls and " * 4 + "at last a dog barks", book)
    assert "left out" in note.sentence and "a dog barks" in note.sentence


@pytest.mark.parametrize(
    "text", ["", "dog barking", "a hammer strikes an anvil", "Heavy rain on a tin roof", "door slam", "drums"]
)
def test_nothing_is_said_of_what_is_understood(book: Wordbook, text: str) -> None:
    assert check_words(text, book) == ()


def test_few_wordings_that_were_kept_for_evaluation_are_taken_for_unknown(book: Wordbook) -> None:
    kept = [wordings[-1] for wordings in read_wordings().values()]
    said = [text for text in kept if check_words(text, book)]
    assert len(said) < 0.08 * len(kept), said


@pytest.mark.parametrize(
    ("typed", "first"),
    [("ham", "hammer"), ("dog", "dog"), ("footst", "footstep"), ("guit", "guitar"), ("explo", "explo")],
)
def test_half_a_word_is_completed(book: Wordbook, typed: str, first: str) -> None:
    names = book.complete(typed, 5)
    assert len(set(names)) == 5 and all(any(w.startswith(first) for w in name.split()) for name in names[:2])


def test_completions_are_near_in_meaning(book: Wordbook) -> None:
    assert set(book.complete("barking", 8)) & {"dog barking", "dogs barking"}
    assert "rain falling" in book.complete("drizzle", 8)
    assert book.complete("  ", 8) == ()


def test_known_texts_are_found_without_a_model() -> None:
    assert is_known("Dog  barking") and is_known("ball bouncing") and not is_known("chien")
    texts = [text for text, _ in known_texts()]
    assert len(set(texts)) == len(texts) and "person talking" not in texts
