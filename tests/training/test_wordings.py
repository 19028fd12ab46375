"""Other wordings of captions: the table, and windows that are described by them."""

from __future__ import annotations

import csv
import zlib
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from sounds import write_library, write_toy_scenes
from toy import toy_pipeline

from rhythmic_foley.models.text_encoder import embed_text
from rhythmic_foley.training.batches import Batch, Windows
from rhythmic_foley.training.prepare import SceneSet
from rhythmic_foley.training.wordings import Wordings, kept_wording


def _rows() -> list[dict[str, str]]:
    text = resources.files("rhythmic_foley.describe").joinpath("wordings.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_table_covers_the_shipped_library_without_what_evaluation_says() -> None:
    """Each training caption has several wordings; none is said twice, is a caption, or comes from a held-out one."""
    from rhythmic_foley.training.library import HELD_OUT_PACKAGES

    sounds = Path(__file__).parents[2] / "checkpoints/mini/sounds/sounds.csv"
    with open(sounds, newline="", encoding="utf-8") as file:
        listed = [(row["caption"].strip(), row["package"] in HELD_OUT_PACKAGES) for row in csv.DictReader(file)]
    found: dict[str, list[str]] = {}
    for row in _rows():
        found.setdefault(row["caption"], []).append(row["wording"])
    assert set(found) == {caption for caption, held_out in listed if not held_out}
    assert min(map(len, found.values())) >= 4
    said = [wording.lower() for wordings in found.values() for wording in wordings]
    assert len(set(said)) == len(said)
    assert not set(said) & {caption.lower() for caption, _ in listed}


def test_order_within_a_caption_is_of_checksums() -> None:
    keys = [(row["caption"], zlib.crc32(row["wording"].encode())) for row in _rows()]
    assert all(before[0] != after[0] or before[1] < after[1] for before, after in zip(keys, keys[1:], strict=False))


def test_last_wording_is_never_drawn() -> None:
    captions = ("hammering wood", "a sound of my own")
    wordings = Wordings.of(captions)
    drawn = wordings.draw(np.repeat([[0, 1, -1]], 500, axis=0), np.random.default_rng(0))
    said = {wordings.texts[i] for i in drawn[:, 0]}
    listed = [row["wording"] for row in _rows() if row["caption"] == "hammering wood"]
    assert said == {"hammering wood", *listed[:-1]}
    assert kept_wording("hammering wood") == listed[-1] and kept_wording("a sound of my own") is None
    assert 0.3 < (drawn[:, 0] == 0).mean() < 0.5
    assert (drawn[:, 1] == 1).all() and (drawn[:, 2] == -1).all()


def _windows(folder: Path, text_noise: float) -> Windows:
    if not folder.joinpath("scenes").exists():
        write_toy_scenes(folder / "scenes", write_library(folder / "sounds"), embedding_dim=8)
    scenes, pipeline = SceneSet.load(folder / "scenes"), toy_pipeline()
    wordings = Wordings.of(scenes.names)
    text = embed_text(wordings.texts, pipeline.tokenizer, pipeline.text_encoder)
    return Windows(scenes, pipeline.vae, pipeline.aligned_encoder, wordings, text, text_noise=text_noise)


def _lengths(batch: Batch) -> torch.Tensor:
    return batch.event_timeline[..., :-1].norm(dim=-1)


def test_windows_speak_and_embed_the_same_words(tmp_path: Path) -> None:
    windows = _windows(tmp_path, 0.0)
    batch = windows.draw(5, 24)
    said = {word for words in batch.captions for word in words}
    assert said - set(windows.scenes.names) and said <= set(windows.wordings.texts)
    alone = [(i, words[0]) for i, words in enumerate(batch.captions) if len(words) == 1]
    assert alone
    for row, word in alone:
        token = batch.event_timeline[row, batch.event_timeline[row, :, -1].argmax(), :-1]
        expected = windows.text[windows.wordings.texts.index(word)]
        torch.testing.assert_close(torch.nn.functional.normalize(token, dim=0), expected)


def test_noise_is_small_a_function_of_the_step_and_leaves_silence_alone(tmp_path: Path) -> None:
    exact, noisy = _windows(tmp_path, 0.0).draw(5, 24), _windows(tmp_path, 0.3).draw(5, 24)
    again, other = _windows(tmp_path, 0.3).draw(5, 24), _windows(tmp_path, 0.3).draw(6, 24)
    assert noisy.captions == exact.captions
    torch.testing.assert_close(again.event_timeline, noisy.event_timeline, rtol=0, atol=0)
    assert not torch.equal(other.event_timeline, noisy.event_timeline)
    silent = exact.event_timeline[..., -1] == 0
    assert silent.any() and (_lengths(noisy)[silent] == 0).all()
    distance = (noisy.event_timeline - exact.event_timeline)[..., :-1].norm(dim=-1)[~silent]
    assert 0.05 < distance.mean() < 0.4 and _lengths(noisy).max() < 1 + 1e-5
