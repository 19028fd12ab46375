"""The sample that shows how it should hit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.studio.reference_sound import laid_at, read_reference, starts_of
from rhythmic_foley.values.events import UNKNOWN, SoundEvent
from rhythmic_foley.values.onsets import Onsets

RATE_HZ = 16_000


def test_a_sample_begins_at_its_attack(tmp_path: Path):
    clock_s = np.arange(RATE_HZ) / RATE_HZ
    hit = 0.1 * np.sin(2 * np.pi * 800 * clock_s) * np.exp(-clock_s * 20)
    write_wav(tmp_path / "hit.wav", np.concatenate([np.zeros(RATE_HZ // 2), hit]), RATE_HZ)
    sample = read_reference(tmp_path / "hit.wav", RATE_HZ)
    assert np.abs(sample[:80]).max() > 0.3
    assert np.abs(sample).max() == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("name", "wave", "sentence"),
    [
        ("quiet.wav", np.zeros(8000), "quiet.wav is silent"),
        ("long.wav", np.zeros(61 * 8000), "the limit is 60 s"),
        ("text.wav", None, "not a sound file"),
        ("absent.wav", None, "no file absent.wav"),
    ],
)
def test_what_is_no_hit_is_a_sentence(tmp_path: Path, name: str, wave: np.ndarray | None, sentence: str):
    if wave is not None:
        write_wav(tmp_path / name, wave, 8000)
    elif name == "text.wav":
        (tmp_path / name).write_text("hello")
    with pytest.raises(FoleyError, match=sentence):
        read_reference(tmp_path / name, RATE_HZ)


def test_it_is_laid_at_every_onset_as_loud_as_that_is_strong():
    wave = laid_at(np.ones(10, np.float32) * 0.5, Onsets.of([0.0, 0.5, 0.9999], [1.0, 0.5, 1.0]), 1000, 1000)
    np.testing.assert_allclose(wave[:10], 0.5)
    np.testing.assert_allclose(wave[500:510], 0.05, rtol=1e-5)  # strength 0.5 is 20 dB below
    assert not wave[10:500].any() and not wave[510:].any()


def test_without_onsets_it_starts_with_the_events():
    events = (SoundEvent("rain", start_s=1.5), SoundEvent(UNKNOWN, start_s=2.0))
    assert starts_of(Onsets.of([0.25]), events).times_s == (0.25,)
    assert starts_of(Onsets(), events).times_s == (1.5,)
    assert starts_of(Onsets(), ()).times_s == (0.0,)
