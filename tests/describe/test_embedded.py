"""The embedded describer: which frames it looks at, when it is sure, what it says of pictures."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from rhythmic_foley.describe.embedded import EmbeddedDescriber, Look, shots, spread
from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.sound_head import SoundHead
from rhythmic_foley.training.describer.labelled import Labelled, labelled_clips
from rhythmic_foley.values.events import UNKNOWN

FOLDER = Path(__file__).resolve().parents[2] / "checkpoints" / "mini" / "describer"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BEAGLE, PUG, TRAIN, TEAPOT, SILENT = 162, 254, 466, 849, 447


@pytest.fixture(scope="module")
def describer() -> EmbeddedDescriber:
    return EmbeddedDescriber.from_pretrained(FOLDER)


def seen(*frames: dict[int, float]) -> Look:
    """What is seen with the given classes in each frame and the rest on binoculars, which are silent."""
    probabilities = np.zeros((len(frames), 1000), dtype=np.float32)
    for row, classes in zip(probabilities, frames, strict=True):
        row[SILENT] = 1 - sum(classes.values())
        for index, probability in classes.items():
            row[index] = probability
    return Look(np.arange(len(frames)) + 0.5, probabilities, probabilities, probabilities)


def toy_describer(sure: float = 0.3) -> EmbeddedDescriber:
    """A head that has learnt nothing, so that the table alone speaks; a network that sees every class alike."""
    table = SoundTable.load()
    head = SoundHead(list(table.labels), n_features=1000, rank=4, sure=sure)
    return EmbeddedDescriber(Undecided(), head, table)


def clip_of(image: np.ndarray, n_frames: int = 4, fps: float = 1.0) -> list[tuple[float, np.ndarray]]:
    return [(i / fps, image) for i in range(n_frames)]


def test_breeds_of_dog_add_up_to_one_bark():
    (event,) = toy_describer().events(seen(*[{BEAGLE: 0.4, PUG: 0.5}] * 3))
    assert (event.label, event.detail) == ("dog barking", "small dog, high")
    assert (event.start_s, event.end_s) == (0.0, None) and event.confidence > 0.5


def test_one_sound_after_the_other_gives_two_spans():
    first, second = toy_describer().events(seen(*[{BEAGLE: 0.9}] * 3, *[{TRAIN: 0.9}] * 3))
    assert (first.label, first.start_s, first.end_s) == ("dog barking", 0.0, 3.0)
    assert (second.label, second.start_s, second.end_s) == ("train passing", 3.0, None)


def test_shots_of_one_sound_are_one_event():
    (event,) = toy_describer().events(seen(*[{BEAGLE: 0.9}] * 2, *[{PUG: 0.9}] * 3))
    assert (event.label, event.start_s, event.end_s) == ("dog barking", 0.0, None)


def test_at_most_three_events():
    dog, train, drum, cow = ({index: 0.9} for index in (BEAGLE, TRAIN, 541, 345))
    events = toy_describer().events(seen(*[dog] * 2, *[train] * 3, *[drum] * 4, *[cow] * 5))
    assert [event.label for event in events] == ["train passing", "drum hit", "cow mooing"]


@pytest.mark.parametrize("frames", [[{BEAGLE: 0.05}] * 4, [{TEAPOT: 0.05}] * 4, [{SILENT: 1.0}] * 4])
def test_unsure_answers_ask_instead_of_guessing(frames: list[dict[int, float]]):
    (event,) = toy_describer(sure=0.5).events(seen(*frames))
    assert (event.label, event.detail, event.start_s, event.end_s) == (UNKNOWN, "please describe", 0.0, None)
    assert event.confidence < 0.5


def test_a_single_strange_frame_makes_no_shot():
    one, other = np.eye(2, dtype=np.float32)
    assert shots(np.stack([one, one, other, one, one])) == [(0, 4)] or shots(
        np.stack([one, one, other, one, one])
    ) == [(0, 1), (2, 4)]
    assert shots(np.stack([one, one, other, other])) == [(0, 1), (2, 3)]
    assert shots(np.stack([one, other])) == [(0, 1)] and shots(one[None]) == [(0, 0)]


def test_suggestions_are_five_different_sounds_with_falling_confidence():
    _, ranking = toy_describer().rank_look(seen(*[{TRAIN: 0.5, 541: 0.3}] * 3))
    labels, confidences = zip(*ranking[:5], strict=True)
    assert len(set(labels)) == 5 and labels[0] == "train passing" and "drum hit" in labels
    assert list(confidences) == sorted(confidences, reverse=True) and 0 <= min(confidences) <= max(confidences) <= 1


def test_a_head_for_another_vocabulary_is_refused():
    with pytest.raises(FoleyError, match="another vocabulary"):
        EmbeddedDescriber(Undecided(), SoundHead(["dog barking"]))


@pytest.mark.parametrize(
    ("duration_s", "fps", "n_frames"), [(8.0, 30.0, 10), (0.3, 10.0, 3), (60.0, 2.0, 30), (600, 1.0, 60)]
)
def test_frames_are_spread_over_the_clip(duration_s: float, fps: float, n_frames: int):
    image = np.zeros((2, 2, 3), np.uint8)
    stream = ((i / fps, image) for i in range(round(duration_s * fps)))
    times_s = [time_s for time_s, _ in spread(stream, duration_s)]
    assert len(times_s) == n_frames == len(set(times_s)) and times_s == sorted(times_s)
    assert times_s[0] < duration_s / 2 and times_s[-1] >= duration_s * 0.5
    if n_frames >= 10:
        wanted = (np.arange(n_frames) + 0.5) * duration_s / n_frames
        assert np.all(np.abs(np.array(times_s) - wanted) <= 1 / fps + 1e-9)


def test_a_single_frame_is_looked_at_whatever_its_time():
    image = np.zeros((2, 2, 3), np.uint8)
    assert len(list(spread([(0.0, image)], 5.0))) == 1
    assert len(list(spread([(0.0, image)], 0.0))) == 1


def test_nothing_is_said_of_noise(describer: EmbeddedDescriber):
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    for image in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        (event,) = describer.describe(clip_of(image), 4.0)
        assert event.label == UNKNOWN


class Undecided(nn.Module):
    """Finds every class as likely as any other, whatever it is shown."""

    config = SimpleNamespace(n_classes=1000, image_size=8, head_channels=1000)
    device = torch.device("cpu")

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(images), 1000)

    def classifier(self, features: torch.Tensor) -> torch.Tensor:
        return features


def test_many_classes_of_one_sound_are_no_reason_for_it():
    """A hundred breeds of dog would add up to a bark."""
    grey = np.full((8, 8, 3), 128, dtype=np.uint8)
    look = toy_describer().look_at(clip_of(grey))
    assert look.sharp.shape == (4, 1000) and look.sharp.max() == 0
    assert [event.label for event in toy_describer().describe(clip_of(grey), 4.0)] == [UNKNOWN]


def test_every_sound_is_ranked_sure_or_not(describer: EmbeddedDescriber):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    events, ranking = describer.rank(clip_of(noise), 4.0)
    assert [event.label for event in events] == [UNKNOWN]
    assert sorted(label for label, _ in ranking) == sorted(describer.table.labels)


def test_no_frames_at_all_are_unknown(describer: EmbeddedDescriber):
    (event,) = describer.describe([], 4.0)
    assert (event.label, event.confidence) == (UNKNOWN, 0.0)


def test_answers_repeat_to_the_digit(describer: EmbeddedDescriber):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert describer.describe(clip_of(noise), 4.0) == describer.describe(clip_of(noise), 4.0)


def test_a_photograph_of_a_lion_roars(describer: EmbeddedDescriber):
    photo = resources.files("gradio").joinpath("media_assets", "images", "lion.jpg")
    if not photo.is_file():
        pytest.skip("this version of Gradio carries no photograph of a lion; real clips are described below")
    with photo.open("rb") as file:
        pixels = np.array(Image.open(file).convert("RGB"))
    (event,) = describer.describe(clip_of(pixels), 4.0)
    assert event.label == "lion roaring" and event.confidence > 0.6


def test_missing_weights_are_one_sentence(tmp_path: Path):
    with pytest.raises(FoleyError, match="There is no describer in"):
        EmbeddedDescriber.from_pretrained(tmp_path)


def test_most_real_clips_get_a_right_suggestion(describer: EmbeddedDescriber, shared_dir: Path):
    clips = list(labelled_clips(shared_dir / "clips", shared_dir / "clips" / "clips.csv"))
    right = 0
    for clip in clips:
        _, ranking = describer.rank(clip.frames(), clip.duration_s)
        right += any(clip.allows(label) for label, _ in ranking[:5])
    assert len(clips) == 15 and right >= 12


@pytest.mark.parametrize("clip", list(labelled_clips(EXAMPLES)), ids=lambda clip: clip.name)
def test_the_examples_get_a_right_suggestion(describer: EmbeddedDescriber, clip: Labelled):
    _, ranking = describer.rank(clip.frames(), clip.duration_s)
    assert any(clip.allows(label) for label, _ in ranking[:5]), ranking[:5]
