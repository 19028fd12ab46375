"""Describers that ask a model: the questions, the answers put in time, the fallback, and real models end to end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from models.mini_gemini.published import GEMMA, LLAMA, filled, published_shapes, write_published
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from rhythmic_foley.describe.base import Describer
from rhythmic_foley.describe.image_text_to_text import ImageTextToTextDescriber, Sureness
from rhythmic_foley.describe.mini_gemini import MiniGeminiDescriber
from rhythmic_foley.describe.prompts import Prompts, contact_sheet, nearest_frames
from rhythmic_foley.describe.talking import Answer, TalkingDescriber
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import read_frames
from rhythmic_foley.values.events import UNKNOWN, SoundEvent

DOG = ["1. dog barking: small", " dog, close\n", "2. wind: soft"]
ENDLESS = ["and on "] * 2


class Scripted:
    """A talker that says what a function makes of the picture's brightness and the question."""

    name = "scripted"

    def __init__(self, say: Callable[[int, str], str | Answer], device: str = "cpu"):
        self.say = say
        self.device = torch.device(device)
        self.asked: list[str] = []
        self.closed = False

    def answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        self.asked.append(question)
        said = self.say(int(picture.mean()), question)
        return said if isinstance(said, Answer) else Answer(said, confidence=0.8)

    def close(self) -> None:
        self.closed = True


class Other(Describer):
    """A fallback that counts the frames it was given."""

    name = "other"

    def __init__(self) -> None:
        self.n_frames = 0

    def describe(self, frames, duration_s) -> tuple[SoundEvent, ...]:
        self.n_frames = len(list(frames))
        return (SoundEvent("rain"),)


def brightening(duration_s: float = 8.0, fps: float = 4.0) -> Iterator[tuple[float, np.ndarray]]:
    """Frames whose brightness is ten times their time in seconds."""
    for i in range(int(duration_s * fps)):
        yield i / fps, np.full((36, 64, 3), min(round(10 * i / fps), 255), dtype=np.uint8)


def said(events) -> list[tuple]:
    return [(event.label, event.start_s, event.end_s) for event in events]


def test_frame_by_frame_says_when():
    talker = Scripted(lambda light, _: "1. dog barking: small" if light < 40 else "1. A dog barks\n2. door slam: loud")
    events = TalkingDescriber(talker, way="frames").describe(brightening(), 8.0)
    assert said(events) == [("dog barking", 0.0, None), ("door slam", 4.0, None)]
    assert events[0].detail == "small"
    assert events[0].confidence == 0.8
    assert len(talker.asked) == 4
    assert "taken at 1.0 of 8.0 seconds" in talker.asked[0]
    assert "taken at 7.0 of 8.0 seconds" in talker.asked[3]


@pytest.mark.parametrize(("duration_s", "n_asked"), [(1.0, 4), (12.0, 6), (600.0, 8)])
def test_four_to_eight_frames_are_asked_about(duration_s, n_asked):
    talker = Scripted(lambda *_: "1. wind")
    TalkingDescriber(talker, way="frames").describe(brightening(duration_s, 25 / duration_s), duration_s)
    assert len(talker.asked) == n_asked


def test_a_contact_sheet_is_one_question():
    talker = Scripted(lambda *_: "1. a knock: wood\n2. [6-7s] steps: snow\nBackground sound of the place: birds")
    events = TalkingDescriber(talker, way="sheet").describe(brightening(), 8.0)
    assert len(talker.asked) == 1 and "8.0 seconds" in talker.asked[0]
    assert said(events) == [("a knock", 0.0, 2.667), ("birds", 0.0, None), ("steps", 6.0, 7.0)]


def test_the_sheet_on_a_cpu_and_frames_on_a_gpu_unless_told():
    for device, n_asked in (("cpu", 1), ("cuda", 4)):
        talker = Scripted(lambda *_: "1. wind", device)
        TalkingDescriber(talker).describe(brightening(), 8.0)
        assert len(talker.asked) == n_asked


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        ("xq zzrt pf 77 %%", "rubbish"),
        (Answer("1. wind wind wind", finished=False), "an endless answer"),
        ("I'm sorry, I cannot hear.", "rubbish"),
    ],
)
@pytest.mark.parametrize("way", ["frames", "sheet"])
def test_no_answer_of_use_leads_to_the_fallback_and_says_so(text, why, way):
    alone = TalkingDescriber(Scripted(lambda *_: text), way=way)
    (event,) = alone.describe(brightening(), 8.0)
    assert event.label == UNKNOWN
    assert alone.notes == (f"scripted gave no answer of use ({why}); please describe the sounds yourself.",)
    other = Other()
    description = TalkingDescriber(Scripted(lambda *_: text), way=way, fallback=other).look(brightening(), 8.0)
    assert (description.events, description.describer) == ((SoundEvent("rain"),), "other")
    assert other.n_frames == 20
    (note,) = description.notes
    assert why in note and "other describes this clip" in note


def test_one_bad_answer_among_good_ones_is_passed_over():
    describer = TalkingDescriber(Scripted(lambda light, _: "1. wind" if light > 20 else ""), way="frames")
    assert said(describer.describe(brightening(), 8.0)) == [("wind", 2.0, None)]
    assert describer.notes == ()


def test_an_endless_list_keeps_its_whole_lines():
    text = Answer("1. dog barking\n2. dog barking\n3. dog bar", finished=False)
    events = TalkingDescriber(Scripted(lambda *_: text), way="sheet").describe(brightening(), 8.0)
    assert said(events) == [("dog barking", 0.0, None)]


def test_a_picture_described_in_a_sentence_stands_for_the_background():
    describer = TalkingDescriber(
        Scripted(lambda _, question: "A man walks on a beach." if "one sentence" in question else "?"), way="sheet"
    )
    (event,) = describer.describe(brightening(), 8.0)
    assert event.label == "background sound of: A man walks on a beach"
    assert "stands for the background" in describer.notes[0]


def test_a_model_that_says_nothing_sounds_is_believed():
    describer = TalkingDescriber(Scripted(lambda *_: "There is no sound."), way="frames")
    (event,) = describer.describe(brightening(), 8.0)
    assert event.label == "quiet room tone"
    assert "nothing in this clip makes a sound" in describer.notes[0]


def test_notes_are_those_of_the_last_clip():
    answers = iter(["", "", "1. wind"])
    describer = TalkingDescriber(Scripted(lambda *_: next(answers)), way="sheet")
    describer.describe(brightening(), 8.0)
    assert describer.notes
    describer.describe(brightening(), 8.0)
    assert describer.notes == ()


def test_no_question_is_asked_when_time_is_up():
    talker = Scripted(lambda *_: "1. wind")
    describer = TalkingDescriber(talker, way="frames", time_limit_s=0.0)
    assert describer.describe(brightening(), 8.0)[0].label == UNKNOWN
    assert talker.asked == []
    assert "no time" in describer.notes[0]


def test_a_clip_without_frames_is_unknown():
    assert TalkingDescriber(Scripted(lambda *_: "1. wind")).describe(iter(()), 1.0)[0].label == UNKNOWN


def test_ones_own_questions(tmp_path):
    (tmp_path / "own.json").write_text(json.dumps({"sheet": "Sounds in {T} s, as {json}?"}))
    prompts = Prompts.load(tmp_path / "own.json")
    assert prompts.of_sheet(2.0) == "Sounds in 2.0 s, as {json}?"
    assert prompts.frame == Prompts().frame
    talker = Scripted(lambda *_: "1. wind")
    own = TalkingDescriber(talker, prompts=prompts)
    own.describe(brightening(), 8.0)
    assert talker.asked == ["Sounds in 8.0 s, as {json}?"]
    assert own.fingerprint != TalkingDescriber(talker).fingerprint


@pytest.mark.parametrize("text", ["[]", "{", '{"sheet": ""}', '{"sheet": 3}', '{"other": "?"}'])
def test_a_file_that_holds_no_questions(tmp_path, text):
    (tmp_path / "own.json").write_text(text)
    with pytest.raises(FoleyError, match="frame, sentence, sheet"):
        Prompts.load(tmp_path / "own.json")


def test_the_frame_nearest_the_middle_of_every_part():
    frames = [(time_s, np.zeros(0)) for time_s in (0.0, 0.4, 0.9, 1.6, 1.9, 2.2)]
    assert [(part, time_s) for part, time_s, _ in nearest_frames(frames, 3.0, 3)] == [(0, 0.4), (1, 1.6), (2, 2.2)]


def test_panels_stand_in_reading_order_with_their_shape_kept():
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    sheet = contact_sheet([np.full((20, 40, 3), colour, dtype=np.uint8) for colour in colours], 200)
    assert sheet.shape == (200, 200, 3)
    middles = [tuple(sheet[row, column].tolist()) for row in (50, 150) for column in (60, 160)]
    assert middles == colours
    assert not sheet[95, 60].any()  # a frame twice as wide as high leaves the panel's edge black


def test_sureness_is_the_mean_probability_of_the_words_taken():
    sureness = Sureness()
    assert sureness.confidence == 0.0
    for probability in (0.5, 0.125):
        sureness(torch.zeros(1, 1), torch.log(torch.tensor([[probability, *[(1 - probability) / 9] * 9]])))
    assert sureness.confidence == pytest.approx(0.25)


def parrot_tokenizer(
    pieces: list[str], special: tuple[str, ...] = ("<unk>", "<s>", "</s>")
) -> PreTrainedTokenizerFast:
    """Reads every word as <unk> and can say the pieces: ids 3, 4 ..."""
    vocabulary = {word: index for index, word in enumerate([*special, *dict.fromkeys(pieces)])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer, core.decoder = pre_tokenizers.Whitespace(), decoders.Fuse()
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=core, **names)


def teach(state: dict[str, torch.Tensor], prefix: str, head: str, ids: list[int]) -> None:
    """Make a Llama say the ids one after the other, whatever it is shown: its layers add nothing to the last word,
    and the head answers every word with the next one. The last of the ids follows itself."""
    for key in state:
        if key.endswith(("o_proj.weight", "down_proj.weight")):
            state[key] = torch.zeros_like(state[key])
    words = torch.linalg.qr(torch.randn(64, 64, generator=torch.Generator().manual_seed(0)))[0]
    state[f"{prefix}embed_tokens.weight"][:64] = words
    state[f"{prefix}norm.weight"] = torch.ones(64)
    state[head] = torch.zeros_like(state[head])
    for word, following in zip([0, *ids], [*ids, ids[-1]], strict=True):
        state[head][following] += 4 * words[word]


def parrot(folder: Path, pieces: list[str], *, endless: bool = False) -> Path:
    """A Mini-Gemini in the published layout that says the pieces about any picture."""
    tokenizer = parrot_tokenizer(pieces)
    ids = tokenizer.convert_tokens_to_ids(list(dict.fromkeys(pieces)))
    state = filled(published_shapes(LLAMA), gemma=False)
    teach(state, "model.", "lm_head.weight", ids if endless else [*ids, 2])
    tokenizer.save_pretrained(folder)
    return write_published(folder, LLAMA, state)


@pytest.mark.parametrize("way", ["frames", "sheet"])
def test_mini_gemini_as_published_describes_a_clip(tmp_path, clip, way):
    describer = MiniGeminiDescriber.from_pretrained(parrot(tmp_path / "MGM-tiny", DOG), device="cpu", way=way)
    assert describer.name == "mini-gemini (MGM-tiny)"
    assert not describer.talker.loaded
    events = describer.describe(read_frames(clip, 8.0), 1.0)
    assert describer.talker.loaded
    assert [(event.label, event.detail) for event in events] == [
        ("dog barking", "small dog, close"),
        ("wind", "soft"),
    ]
    assert said(events)[0] == ("dog barking", 0.0, 0.5 if way == "sheet" else None)
    assert 0.5 < events[0].confidence <= 1
    assert describer.notes == ()
    describer.close()
    assert not describer.talker.loaded
    assert describer.describe(read_frames(clip, 8.0), 1.0) == events


@pytest.mark.parametrize(
    ("pieces", "endless", "why"),
    [(ENDLESS, True, "an endless answer"), (["%% 77 ", "qrx zzt"], False, "rubbish"), ([], False, "nothing")],
)
def test_mini_gemini_that_answers_badly_falls_back(tmp_path, clip, pieces, endless, why):
    folder = parrot(tmp_path / "MGM-tiny", pieces, endless=endless)
    describer = MiniGeminiDescriber.from_pretrained(folder, device="cpu", way="sheet", fallback=Other())
    description = describer.look(read_frames(clip, 8.0), 1.0)
    assert description.describer == "other"
    assert why in description.notes[0]


def test_mini_gemini_with_nothing_but_noise_for_weights(tmp_path, clip):
    """Gemma with filled weights says words at random; whatever comes of it is events and, if unknown, a note."""
    words = ["<pad>", "</s>", "<s>", "<unk>", "<start_of_turn>", "<end_of_turn>", *(f"w{i}#" for i in range(506))]
    parrot_tokenizer([], tuple(words)).save_pretrained(tmp_path)
    folder = write_published(tmp_path, GEMMA, filled(published_shapes(GEMMA), gemma=True))
    describer = MiniGeminiDescriber.from_pretrained(folder, device="cpu")
    (event,) = describer.describe(read_frames(clip, 8.0), 1.0)
    assert event.label == UNKNOWN
    assert "no answer of use" in describer.notes[0]


def test_a_folder_without_mini_gemini_is_refused_at_once(tmp_path):
    with pytest.raises(FoleyError, match="no config.json"):
        MiniGeminiDescriber.from_pretrained(tmp_path)


def llava(folder: Path, pieces: list[str]) -> Path:
    """A tiny LLaVA of transformers that says the pieces about any picture."""
    tokenizer = parrot_tokenizer([*pieces, "<image>"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tower = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**tower, image_size=28, patch_size=14),
        text_config=LlamaConfig(**{**tower, "hidden_size": 64}, vocab_size=80, eos_token_id=2, pad_token_id=0),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    network = LlavaForConditionalGeneration(config)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    ids = [*tokenizer.convert_tokens_to_ids(pieces), 2]
    teach(state, "model.language_model.", "lm_head.weight", ids)
    network.load_state_dict(state)
    network.generation_config.eos_token_id = 2
    network.save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template="{% for message in messages %}{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}",
    ).save_pretrained(folder)
    return folder


def test_any_image_text_to_text_model_describes_a_clip(tmp_path, clip):
    describer = ImageTextToTextDescriber.from_pretrained(llava(tmp_path / "tiny-llava", DOG), device="cpu")
    assert describer.name == "tiny-llava"
    events = describer.describe(read_frames(clip, 8.0), 1.0)
    assert [(event.label, event.detail) for event in events] == [("dog barking", "small dog, close"), ("wind", "soft")]
    describer.close()
    assert not describer.talker.loaded


def test_a_model_that_is_not_there_is_one_sentence(tmp_path, clip):
    (tmp_path / "empty").mkdir()
    describer = ImageTextToTextDescriber.from_pretrained(tmp_path / "empty", device="cpu")
    with pytest.raises(FoleyError, match="empty cannot be loaded"):
        describer.describe(read_frames(clip, 8.0), 1.0)
