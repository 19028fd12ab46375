"""The embedded describer: which frames it looks at, when it is sure, what it says of pictures."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from rhythmic_foley.describe import embedded, unknown
from rhythmic_foley.describe.embedded import EmbeddedDescriber, spread, sure_runs
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import read_frames
from rhythmic_foley.values.events import UNKNOWN

FOLDER = Path(__file__).resolve().parents[2] / "checkpoints" / "mini" / "describer"
BEAGLE, PUG, TRAIN, TEAPOT, DESK = 162, 254, 466, 849, 526


@pytest.fixture(scope="module")
def describer() -> EmbeddedDescriber:
    return EmbeddedDescriber.from_pretrained(FOLDER)


def seen(*frames: dict[int, float]) -> np.ndarray:
    """Probabilities (F, 1000) with the given classes in each frame and the rest on a silent desk."""
    probabilities = np.zeros((len(frames), 1000), dtype=np.float32)
    for row, classes in zip(probabilities, frames, strict=True):
        row[DESK] = 1 - sum(classes.values())
        for index, probability in classes.items():
            row[index] = probability
    return probabilities


def clip_of(image: np.ndarray, n_frames: int = 4, fps: float = 1.0) -> list[tuple[float, np.ndarray]]:
    return [(i / fps, image) for i in range(n_frames)]


def test_breeds_of_dog_add_up_to_one_bark(describer: EmbeddedDescriber):
    (event,) = describer.events([0.5, 1.5, 2.5], seen(*[{BEAGLE: 0.2, PUG: 0.3}] * 3))
    assert (event.label, event.detail) == ("dog barking", "small dog, high")
    assert (event.start_s, event.end_s) == (0.0, None)
    assert event.confidence == pytest.approx(0.5, abs=1e-3)


def test_one_sound_after_the_other_gives_two_spans(describer: EmbeddedDescriber):
    times_s = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    first, second = describer.events(times_s, seen(*[{BEAGLE: 0.9}] * 3, *[{TRAIN: 0.8}] * 3))
    assert (first.label, first.start_s, first.end_s) == ("dog barking", 0.0, 3.0)
    assert (second.label, second.start_s, second.end_s) == ("train passing", 3.0, None)
    assert second.confidence == pytest.approx(0.8, abs=1e-3)


def test_two_things_at_once_both_sound(describer: EmbeddedDescriber):
    events = describer.events([0.5, 1.5, 2.5], seen(*[{BEAGLE: 0.5, TRAIN: 0.45}] * 3))
    assert {event.label for event in events} == {"dog barking", "train passing"}


def test_at_most_three_events(describer: EmbeddedDescriber):
    dog, train, drum, cow = ({index: 0.9} for index in (BEAGLE, TRAIN, 541, 345))
    frames = seen(*[dog] * 2, *[train] * 3, *[drum] * 4, *[cow] * 5)
    events = describer.events([float(i) for i in range(14)], frames)
    assert [event.label for event in events] == ["train passing", "drum hit", "cow mooing"]


@pytest.mark.parametrize(
    "frames",
    [
        [{BEAGLE: 0.3}] * 4,  # seen, but not surely
        [{BEAGLE: 0.95}, {}, {}, {}],  # one frame only
        [{TEAPOT: 0.55}] * 4,  # surely a teapot, which seldom pours
        [{DESK: 1.0}] * 4,  # makes no sound
    ],
)
def test_unsure_answers_ask_instead_of_guessing(describer: EmbeddedDescriber, frames: list[dict[int, float]]):
    (event,) = describer.events([0.0, 1.0, 2.0, 3.0], seen(*frames))
    assert (event.label, event.detail, event.start_s, event.end_s) == (UNKNOWN, "please describe", 0.0, None)
    assert event.confidence < embedded.SURE


def test_runs_bridge_one_weak_frame_but_not_two():
    mass = np.array([0.0, 0.8, 0.0, 0.8, 0.0, 0.0, 0.9, 0.9])
    assert sure_runs(mass, 0.35, 0.1) == [(1, 3), (6, 7)]
    assert sure_runs(np.array([0.9]), 0.35, 0.1) == [(0, 0)]
    assert sure_runs(np.zeros(5), 0.35, 0.1) == []


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

    config = SimpleNamespace(n_classes=1000, image_size=8)
    device = torch.device("cpu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(images), 1000)


def test_many_classes_of_one_sound_are_no_reason_for_it():
    """A hundred breeds of dog would add up to a bark."""
    grey = np.full((8, 8, 3), 128, dtype=np.uint8)
    events, ranking = EmbeddedDescriber(Undecided()).rank(clip_of(grey), 4.0)
    assert events == (unknown(),)
    assert max(confidence for _, confidence in ranking) < 0.001


def test_every_sound_is_ranked_sure_or_not(describer: EmbeddedDescriber):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    events, ranking = describer.rank(clip_of(noise), 4.0)
    assert [event.label for event in events] == [UNKNOWN]
    assert sorted(label for label, _ in ranking) == sorted(describer.table.labels)
    assert [confidence for _, confidence in ranking] == sorted((c for _, c in ranking), reverse=True)


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
    assert event.label == "lion roaring" and event.confidence > 0.7


def test_missing_weights_are_one_sentence(tmp_path: Path):
    with pytest.raises(FoleyError, match="There is no describer in"):
        EmbeddedDescriber.from_pretrained(tmp_path)


def test_on_real_clips_right_answers_outnumber_wrong_ones(describer: EmbeddedDescriber, shared_dir: Path):
    right_word = {
        "gun": "gunshot",
        "tennis": "ball",
        "car": "engine",
        "drum kit": "drum",
        "dog": "dog",
        "baby": "baby",
    }
    right = wrong = 0
    with (shared_dir / "clips" / "clips.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        frames = read_frames(shared_dir / "clips" / f"{row['clip']}.mp4", rate_hz=4, size=(360, 360), fit="inside")
        for event in describer.describe(frames, float(row["duration_s"])):
            if event.label == UNKNOWN:
                continue
            expected = [word for truth, word in right_word.items() if truth in row["class_guess"]]
            if any(word in event.label for word in expected):
                right += 1
            else:
                wrong += 1
    assert right >= 4 and wrong * 3 <= right
