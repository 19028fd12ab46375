"""Which describers can be asked, by which name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rhythmic_foley.describe.choose import Asking, Describers
from rhythmic_foley.describe.prompts import Prompts
from rhythmic_foley.errors import FoleyError

GEMMA = {"architectures": ["MiniGeminiGemmaForCausalLM"], "mm_projector_type": "mlp2x_gelu"}


class Embedded:
    name = "embedded"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where models lie: a Mini-Gemini as published, and a sound model."""
    for name, config in {"MGM-2B": GEMMA, "mini": {"model_type": "other"}}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return tmp_path


def test_a_mini_gemini_is_a_choice_when_its_folder_is_there(folder: Path) -> None:
    describers = Describers("embedded", Embedded, [folder])
    assert describers.names == ("embedded", "mini-gemini (MGM-2B)")
    chosen = describers["mini-gemini (MGM-2B)"]
    assert chosen.name == "mini-gemini (MGM-2B)" and not chosen.talker.loaded
    assert chosen is describers["mini-gemini (MGM-2B)"] and chosen.fallback is describers["embedded"]
    assert Describers("mini-gemini", Embedded, [folder]).names == ("mini-gemini (MGM-2B)", "embedded")


def test_the_usual_one_may_be_any_name(folder: Path) -> None:
    describers = Describers("some/model", Embedded, [folder])
    assert describers.names == ("some/model", "embedded", "mini-gemini (MGM-2B)")
    assert describers[None].name == "some/model" and not describers[None].talker.loaded


def test_it_is_asked_ones_own_questions(folder: Path) -> None:
    prompts = Prompts(sheet="What is heard?")
    chosen = Describers("mini-gemini", Embedded, [folder], Asking("sheet", prompts))[None]
    assert (chosen.way, chosen.prompts) == ("sheet", prompts)
    assert chosen.fingerprint != Describers("mini-gemini", Embedded, [folder])[None].fingerprint


def test_what_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="`rhythmic-foley download mini-gemini` fetches it"):
        Describers("mini-gemini", Embedded, [tmp_path])[None]
    with pytest.raises(FoleyError, match='no describer "other/model"; choose embedded'):
        Describers("embedded", Embedded, [tmp_path])["other/model"]
