"""Tables of captions as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.given_tables import read_descriptions, read_rows


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ('clip,caption\r\n"a, ""b"".mp4","bang, then ""click"""\r\nplain.mp4,knock\r\n', "utf-8"),
        ('clip,caption\r\n"a, ""b"".mp4","bang, then ""click"""\r\nplain.mp4,knock\r\n', "utf-8-sig"),
        ('clip;caption\r\n"a, ""b"".mp4";"bang, then ""click"""\r\nplain.mp4;knock\r\n', "utf-16"),
        ('Caption\tclip\n"bang, then ""click"""\t"a, ""b"".mp4"\n\nknock\tplain.mp4\n', "utf-8"),
        ('clip,class_guess\n"a, ""b"".mp4","bang, then ""click"""\nplain.mp4,knock\n', "utf-8"),
    ],
)
def test_captions_are_read_right(content: str, encoding: str, tmp_path: Path) -> None:
    table = tmp_path / "captions.csv"
    table.write_bytes(content.encode(encoding))
    assert read_descriptions(table) == {'a, "b".mp4': 'bang, then "click"', "plain.mp4": "knock"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"clip,caption\r\nplain.mp4,T\xfcr knallt\r\n", "captions.csv: line 2, column 12, is not written in UTF-8"),
        (b"clip,caption\r\nplain.mp4\r\n", "captions.csv: row 2 has nothing in column caption."),
        (b"clip,caption\r\nplain.mp4,\r\n", "captions.csv: row 2, column caption, is empty."),
        (b"clip,caption\r\nplain.mp4,knock, loud\r\n", "captions.csv: row 2 has 3 cells for 2 columns"),
        (b"name,caption\r\nplain.mp4,knock\r\n", "captions.csv: row 1, the header, has no column clip"),
        (b"", "captions.csv is empty"),
        (b"\x89PNG\r\n\x1a\n\xff", "captions.csv cannot be read as text."),
    ],
)
def test_what_is_wrong_with_captions_is_named(content: bytes, says: str, tmp_path: Path) -> None:
    table = tmp_path / "captions.csv"
    table.write_bytes(content)
    with pytest.raises(FoleyError) as raised:
        read_descriptions(table)
    assert says in str(raised.value)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="There is no file"):
        read_rows(tmp_path / "none.csv", ("clip",))


def test_lists_of_times_name_their_cell(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("clip,attack_refined_s\na,0.5 1.25\nb,0.5 soon\n")
    good, bad = read_rows(tmp_path / "clips.csv", ("clip",))
    assert good.numbers("attack_refined_s") == [0.5, 1.25]
    with pytest.raises(FoleyError, match='row 3, column attack_refined_s, does not hold numbers: "0.5 soon"'):
        bad.numbers("attack_refined_s")
