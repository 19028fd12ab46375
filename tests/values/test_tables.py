"""Tables as people write them, and how wrong cells are named."""

from __future__ import annotations

import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.events import SoundEvent, read_events
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.tables import read_table

WANTED = Onsets((0.8, 1.6), (1.0, 0.5))


@pytest.mark.parametrize(
    "text",
    [
        "time_s,strength\r\n0.8,1.0\r\n1.6,0.5\r\n",
        "\ufefftime_s;strength\r\n0,8;1\r\n1,6;0,5\r\n",
        'strength\tTime_s\n"0,5"\t"1,6"\n1\t0.8\n\n',
        "name,time_s,strength\nx,1.6,0.5\ny,0.8,\n",
        '{"onsets_s": [0.8, 1.6], "strengths": [1, 0.5]}',
        '\ufeff{"times_s": [1.6, 0.8], "strengths": [0.5, 1.0]}',
        "\ufeff0.8\n1.6@0.5\n",
        "0,8 1,6@0,5",
    ],
)
def test_onsets_files_are_read_right(text):
    assert Onsets.read(text, "hits.csv") == WANTED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time_s,strength\n0.8,1\nsoon,1\n", 'hits.csv: row 3, column time_s, is not a number: "soon".'),
        ("time_s,strength\n,1\n", 'hits.csv: row 2, column time_s, is not a number: "".'),
        ("time_s,strength\n0.8\n", "hits.csv: row 2 has nothing in column strength."),
        ("time_s,strength\n0,8,1\n", "hits.csv: row 2 has 3 cells for 2 columns"),
        ('time_s,strength\n"0.8,1\n', "hits.csv: line 2 is not a row of a table"),
        ("time_s,strength\n0.8,2\n", "An onset strength must lie between 0 and 1, not 2.0."),
        ("[0.5, null]", "The time of onset 2 must be a number, not null."),
        ('{"onsets_s": [0.5], "strengths": ["x"]}', 'The strength of onset 1 must be a number, not "x".'),
        ('{"onsets": [0.5]}', "Onsets must be a list of seconds"),
        ("[1, 2", "hits.csv is not JSON with onsets"),
    ],
)
def test_what_is_wrong_with_onsets_is_named(text, says):
    with pytest.raises(FoleyError) as raised:
        Onsets.read(text, "hits.csv")
    assert says in str(raised.value) and "\n" not in str(raised.value)


def test_a_table_of_sounds():
    text = "\ufeffstart_s;end_s;label;detail\r\n0,5;1;dog;small, close\r\n1:02;;rain;\r\n"
    assert read_events(text, "e.csv") == (SoundEvent("dog", "small, close", 0.5, 1.0), SoundEvent("rain", "", 62.0))
    with pytest.raises(FoleyError, match="e.csv: row 2, column label, is empty"):
        read_events("label,end_s\n,2\n", "e.csv")


def test_sounds_one_a_line_stay_lines():
    assert read_events("\ufeff0,5-1,5 dog, small\r\n1:00- rain\r\n", "e.txt") == (
        SoundEvent("dog, small", "", 0.5, 1.5),
        SoundEvent("rain", "", 60.0),
    )
    assert read_events("label", "e.txt") == (SoundEvent("label"),)


def test_a_table_must_have_its_columns():
    with pytest.raises(FoleyError, match="captions.csv: row 1, the header, has no column caption"):
        read_table("clip,text\na,b\n", ("clip", "caption"), "captions.csv")
    with pytest.raises(FoleyError, match="captions.csv is empty"):
        read_table("", ("clip", "caption"), "captions.csv")
    quoted = read_table('clip,caption\r\n"a, ""b"".mp4","bang, then ""click"""\r\n', ("clip", "caption"), "c.csv")
    assert quoted[0].cells == {"clip": 'a, "b".mp4', "caption": 'bang, then "click"'}
