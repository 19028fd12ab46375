"""Pages that stand alone: what is in them can be decoded again, and in a browser it plays."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from rhythmic_foley.audio.mel import sound_mel
from rhythmic_foley.evaluation.report.page import (
    grid,
    mel_uri,
    paragraph,
    sentences,
    sound_card,
    sound_uri,
    table,
    write_page,
)
from rhythmic_foley.evaluation.report.tables import Column, Estimate, Report, Row

WAVE = np.sin(np.arange(32_000) / 5).astype(np.float32) * 0.5


def decoded(uri: str) -> io.BytesIO:
    return io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))


def test_sound_comes_back_in_time_and_unclipped() -> None:
    wave, rate_hz = soundfile.read(decoded(sound_uri(WAVE, 16_000)))
    assert rate_hz == 16_000
    np.testing.assert_allclose(wave, WAVE, atol=1e-4)
    loud, _ = soundfile.read(decoded(sound_uri(WAVE * 4, 16_000)))
    np.testing.assert_allclose(loud, WAVE * 2 * 0.99, atol=1e-4)
    assert not soundfile.read(decoded(sound_uri(WAVE * 0, 16_000)))[0].any()


def test_mel_has_low_bands_below_and_keeps_single_hits() -> None:
    mel = np.zeros((128, 4000))
    mel[0, 2001] = 1
    picture = np.asarray(Image.open(decoded(mel_uri(mel))).convert("RGB")).astype(int).sum(axis=-1)
    assert picture.shape == (128, 800)
    assert np.argwhere(picture > picture.min()).tolist() == [[127, 400]]


def test_mel_of_any_rate_has_62_frames_a_second() -> None:
    assert sound_mel(np.repeat(WAVE, 3), 48_000).shape[1] == pytest.approx(125, abs=1)


def test_page_fetches_nothing_and_escapes(tmp_path: Path) -> None:
    card = sound_card("<b>dog</b>", WAVE, 16_000, np.zeros((128, 125)), note="seed 1", onsets_s=(1.0, 9.0))
    path = write_page(tmp_path / "new" / "page.html", "A & B", [paragraph("1 < 2"), grid([card])])
    text = path.read_text(encoding="utf-8")
    assert "<title>A &amp; B</title>" in text and "1 &lt; 2" in text and "&lt;b&gt;dog" in text
    assert not re.search(r'(src|href)="(?!data:)', text) and "http" not in text
    assert 'style="left:50.00%"' in text and text.count("<i ") == 1  # the mark beyond the end is left out


def test_table_shows_numbers_intervals_and_gaps() -> None:
    columns = Column("fd", "FD (x)", False, 1), Column("tags", "tags", True, 2)
    row = Row("<mine>", 3, {"fd": Estimate(12.34, 10.0, 15.0, 3)}, {})
    text = table(Report(columns, (row,)))
    assert "FD (x) ↓" in text and "tags ↑" in text and "&lt;mine&gt;<small>3 pairs" in text
    assert "<td>12.3<small>10.0 – 15.0</small></td><td></td>" in text


def test_a_remark_stands_once() -> None:
    assert sentences(["1 < 2.", "1 < 2."]) == "<ul><li>1 &lt; 2.</li></ul>" and sentences([]) == ""


def test_a_sound_of_a_moment_has_a_mel() -> None:
    assert sound_mel(np.zeros(10, np.float32), 16_000).shape[0] == 128
