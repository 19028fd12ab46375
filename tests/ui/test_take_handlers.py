"""Takes on the page: chosen, renamed, deleted, repaired, compared and shared, without networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clips import make_clip
from ui.fake_studio import FakeStudio
from ui.forms import FORM, values

from rhythmic_foley.audio.wav import read_wav, write_wav
from rhythmic_foley.media.reading import probe
from rhythmic_foley.ui.handlers import Handlers
from rhythmic_foley.ui.share_handlers import ShareHandlers
from rhythmic_foley.ui.take_handlers import ORIGINAL, TakeHandlers, key_of
from rhythmic_foley.values.results import Take

Updates = dict[str, Any]


@pytest.fixture
def takes(studio: FakeStudio, tmp_path: Path) -> TakeHandlers:
    return TakeHandlers(Handlers(studio, tmp_path / "visits"))


@pytest.fixture
def visit(takes: TakeHandlers) -> str:
    return takes.visits.new()


@pytest.fixture
def made(takes: TakeHandlers, clip: Path, visit: str) -> Callable[..., tuple[Take, ...]]:
    """Takes from a form."""

    def make(**changes: Any) -> tuple[Take, ...]:
        form = values(replace(FORM, **changes))
        return last(takes.page.generate(str(clip), None, (), visit, None, **form))["finished"]

    return make


def last(updates: Any) -> Updates:
    """What the page shows after all updates."""
    page: Updates = {}
    for update in updates:
        page |= update
    return page


def test_a_take_is_chosen_by_its_place(takes: TakeHandlers, made) -> None:
    finished = made(takes=2)
    assert takes.choose(finished, 0)["video"] == str(finished[0].video)
    assert takes.choose(finished, 7) == {}


def test_a_renamed_take_lies_elsewhere_under_its_name(takes: TakeHandlers, clip: Path, visit: str, made) -> None:
    page = takes.rename(str(clip), visit, made(), 0, "  Softer   hits ")
    (take,) = page["finished"]
    assert take.name == "Softer hits" and take.folder.name == "Softer_hits" and Path(page["video"]).is_file()
    assert page["chosen"]["choices"][0][0].startswith("Softer hits")
    assert takes.visits.recall(visit).takes == (take,)


def test_a_name_that_is_none_is_told(takes: TakeHandlers, clip: Path, visit: str, made, toasts: list[str]) -> None:
    assert takes.rename(str(clip), visit, made(), 0, " ") == {}
    assert toasts == ["A take needs a name."]


def test_a_deleted_take_is_gone_and_its_neighbour_shown(takes: TakeHandlers, clip: Path, visit: str, made) -> None:
    first, second = made(takes=2)
    page = takes.delete(str(clip), visit, (first, second), 1)
    assert not second.folder.exists() and page["finished"] == (first,) and page["video"] == str(first.video)
    page = takes.delete(str(clip), visit, (first,), 0)
    assert page["finished"] == () and page["chosen"]["choices"] == []


def test_settings_of_a_take_fill_the_form(takes: TakeHandlers, clip: Path, made) -> None:
    page = takes.reuse(str(clip), made(steps=3, negative="speech", range_to=0.75), 0)
    assert (page["steps"], page["negative"], page["seed"], page["range_to"]) == (3, "speech", "7", 0.75)


def test_a_stretch_is_made_anew_from_what_the_form_says(
    takes: TakeHandlers, studio: FakeStudio, clip: Path, visit: str, made, toasts: list[str]
) -> None:
    finished = made()
    form = values(replace(FORM, temporal_scale=2.0, seed="5", takes=4))
    page = last(takes.fix(str(clip), None, finished, visit, None, 0, 0.25, 0.5, **form))
    asked = studio.requests[-1]
    assert asked.fix.take == finished[0].folder and (asked.fix.start_s, asked.fix.end_s) == (0.25, 0.5)
    assert (asked.temporal_scale, asked.seed, asked.takes) == (2.0, None, 1)
    assert [take.name for take in page["finished"]] == ["Take 1", "Take 1, 0.25 to 0.5 s anew"]
    last(takes.fix(str(clip), None, finished, visit, None, 0, None, 0.5, **form))
    assert len(studio.requests) == 2 and "from when to when" in toasts[0]


@pytest.mark.parametrize(("name", "scale"), [("twin_time", "temporal_scale"), ("twin_sound", "semantic_scale")])
def test_a_twin_differs_by_one_adapter_and_is_compared(
    takes: TakeHandlers, studio: FakeStudio, clip: Path, visit: str, made, name: str, scale: str
) -> None:
    finished = made()
    what = {"analysis": None, "finished": finished, "visit": visit, "model": None, "chosen": 0, "uploaded": None}
    page = last(getattr(takes, name)(clip=str(clip), **what))
    before, after = studio.requests
    assert getattr(after, scale) == 0.0 and after.seed == before.seed
    assert replace(after, **{scale: 1.0}) == replace(before, takes=1)
    twin = page["finished"][1]
    assert twin.name.startswith("Take 1 without")
    assert page["compared"]["value"] == [key_of(finished[0]), key_of(twin)]


def test_what_can_be_compared_and_what_is_at_first(takes: TakeHandlers, clip: Path, made, tmp_path: Path) -> None:
    finished = made(takes=2)
    page = takes.offer(str(clip), finished, [], None)
    keys = [key for _, key in page["compared"]["choices"]]
    assert keys == [key_of(finished[0]), key_of(finished[1]), ORIGINAL]
    assert page["compared"]["value"] == keys[:2]
    assert takes.offer(str(clip), finished[:1], [], None)["compared"]["value"] == [key_of(finished[0]), ORIGINAL]
    kept = takes.offer(str(clip), finished, [ORIGINAL, keys[1]], "mine.wav")["compared"]
    assert kept["value"] == [ORIGINAL, keys[1]] and kept["choices"][-1] == ("mine.wav", "mine.wav")
    added = takes.add_sound(str(clip), finished, [*keys], "folder/mine.wav")["compared"]
    assert added["value"] == [*keys, "folder/mine.wav"] and added["choices"][-1] == ("mine.wav", "folder/mine.wav")
    silent = make_clip(tmp_path / "silent.mp4")
    assert ORIGINAL not in [key for _, key in takes.offer(str(silent), finished, [], None)["compared"]["choices"]]


def test_picked_sounds_lie_side_by_side(takes: TakeHandlers, clip: Path, visit: str, made) -> None:
    (take,) = made()
    value = takes.compare(str(clip), visit, (take,), [key_of(take), ORIGINAL], None)["compare"]
    assert [track["label"] for track in value["tracks"]] == ["Take 1", "Original sound"]
    assert value["onsets_s"] == [0.3, 0.8] and value["video"]["path"] == str(take.video)
    for track in value["tracks"]:
        assert Path(track["audio"]["path"]).is_relative_to(takes.visits.folder(visit))
    alone = takes.compare(str(clip), visit, (take,), [key_of(take)], None)["compare"]
    assert [track["label"] for track in alone["tracks"]] == ["Take 1"] and alone["differences"] == {}
    assert takes.compare(str(clip), visit, (take,), [], None) == {"compare": None}


def test_of_the_original_only_the_stretch_of_the_take_is_heard(
    takes: TakeHandlers, clip: Path, visit: str, made, tmp_path: Path
) -> None:
    (take,) = made(range_from=0.25, range_to=0.75)
    _, sounds = takes.picked(str(clip), (take,), [key_of(take), ORIGINAL], None, tmp_path)
    wave, rate_hz = read_wav(sounds[1][1])
    assert len(wave) / rate_hz == pytest.approx(0.5, abs=0.001)


def test_takes_of_several_stretches_are_not_mixed_up(
    takes: TakeHandlers, clip: Path, visit: str, made, toasts: list[str]
) -> None:
    finished = (*made(), *made(range_to=0.75))
    assert takes.compare(str(clip), visit, finished, [key_of(take) for take in finished], None) == {}
    assert "another stretch" in toasts[0]


def test_a_post_and_a_reel_become_files(takes: TakeHandlers, clip: Path, visit: str, made, tmp_path: Path) -> None:
    share = ShareHandlers(takes)
    finished = made()
    page = last(share.post(visit, finished, 0, "youtube", "pad"))
    assert probe(page["posted"]["value"]).has_audio
    own = tmp_path / "own.wav"
    write_wav(own, read_wav(finished[0].wav)[0] * 0.5, 16_000)
    page = last(share.reel(str(clip), visit, finished, [key_of(finished[0]), str(own)], str(own)))
    reel = probe(page["reeled"]["value"])
    assert reel.duration_s >= 2 and page["download_reel"]["value"] == page["reeled"]["value"]


def test_a_reel_of_one_sound_is_told(takes: TakeHandlers, clip: Path, visit: str, made, toasts: list[str]) -> None:
    finished = made()
    last(ShareHandlers(takes).reel(str(clip), visit, finished, [key_of(finished[0])], None))
    assert toasts == ["Choose at least two sounds under Compare."]
