"""What the page does with takes that are there: choose, rename, delete, repair, compare, share."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.comparison import MOST
from rhythmic_foley.media.reading import probe, read_audio
from rhythmic_foley.studio.takes import delete_take, rename_take
from rhythmic_foley.ui.compare import compare_value
from rhythmic_foley.ui.form import Form, values_from_controls
from rhythmic_foley.ui.handlers import Handlers, Takes, shelf
from rhythmic_foley.ui.jobs import Job, Updates, follow, told
from rhythmic_foley.values.controls import Fix
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis, Take

NO_TAKE = "Make a take first."
ORIGINAL = "original"


class TakeHandlers:
    """The handlers of the results section, on the same studios and visitors' folders as the rest of the page."""

    def __init__(self, page: Handlers) -> None:
        self.page = page
        self.visits = page.visits

    def choose(self, finished: Takes, chosen: int | None) -> Updates:
        """Another take of those that are there."""
        return shelf(finished, chosen) if chosen is not None and chosen < len(finished) else {}

    def rename(self, clip: str, visit: str, finished: Takes, chosen: int, take_name: str) -> Updates:
        """Another name for the take, and for its files' folder."""
        with told():
            renamed = rename_take(the_take(finished, chosen), take_name)
            finished = (*finished[:chosen], renamed, *finished[chosen + 1 :])
            self.visits.remember(visit, clip, finished)
            return shelf(finished, chosen)
        return {}

    def delete(self, clip: str, visit: str, finished: Takes, chosen: int) -> Updates:
        """The take is gone, from the server too; its neighbour is shown."""
        with told():
            delete_take(the_take(finished, chosen))
            finished = (*finished[:chosen], *finished[chosen + 1 :])
            self.visits.remember(visit, clip, finished)
            if finished:
                return shelf(finished, min(chosen, len(finished) - 1))
            return {"finished": (), "chosen": gr.update(choices=[], value=None)}
        return {}

    def reuse(self, clip: str, finished: Takes, chosen: int) -> Updates:
        """The form as it was when this take was made, its seed included."""
        with told():
            take = the_take(finished, chosen)
            return values_from_controls(take.controls, self.page.bare(clip).clip.duration_s) | {"takes": 1}
        return {}

    def fix(
        self,
        clip: str,
        analysis: Analysis | None,
        finished: Takes,
        visit: str,
        model: str | None,
        chosen: int,
        fix_from: float | None,
        fix_to: float | None,
        **form: Any,
    ) -> Iterator[Updates]:
        """A new take that is the shown one but for a stretch, which is made anew from what the form says now."""

        def work() -> Iterator[Updates]:
            take = the_take(finished, chosen)
            if fix_from is None or fix_to is None:
                raise FoleyError("Say from when to when to make it anew.")
            known = analysis or self.page.bare(clip)
            wanted = Form(**form | {"seed": "", "takes": 1}).controls(known, proposed=False)
            controls = replace(wanted, fix=Fix(take.folder, float(fix_from), float(fix_to)))
            name = f"{take.name}, {fix_from:g} to {fix_to:g} s anew"
            yield from self.page.dub(job, known, controls, finished, visit, model, name)

        job = Job("fix")
        yield from follow(job, work())

    def twin_time(self, **what: Any) -> Iterator[Updates]:
        """The shown take once more, with everything the same but without the temporal adapter."""
        yield from self._twin("twin_time", "without timing", {"temporal_scale": 0.0}, **what)

    def twin_sound(self, **what: Any) -> Iterator[Updates]:
        """The shown take once more, with everything the same but without the semantic adapter."""
        yield from self._twin("twin_sound", "without description", {"semantic_scale": 0.0}, **what)

    def _twin(
        self,
        job_name: str,
        suffix: str,
        change: dict[str, float],
        clip: str,
        analysis: Analysis | None,
        finished: Takes,
        visit: str,
        model: str | None,
        chosen: int,
        uploaded: str | None,
    ) -> Iterator[Updates]:
        def work() -> Iterator[Updates]:
            take = the_take(finished, chosen)
            known = analysis or self.page.bare(clip)
            controls = replace(take.controls, takes=1, stems=False, fix=None, **change)

            def beside(twin: Take) -> Updates:
                choices = self._sounds(clip, (*finished, twin), uploaded)
                return {"compared": gr.update(choices=choices, value=[key_of(take), key_of(twin)])}

            name = f"{take.name} {suffix}"
            yield from self.page.dub(job, known, controls, finished, visit, model, name, beside)

        job = Job(job_name)
        yield from follow(job, work())

    def offer(self, clip: str, finished: Takes, compared: Sequence[str], uploaded: str | None) -> Updates:
        """What can be compared now; what was picked stays while it is there and the newest take is among it."""
        if not clip or not finished:
            return {"compared": gr.update(choices=[], value=[]), "compare": None}
        choices = self._sounds(clip, finished, uploaded)
        keys = [key for _, key in choices]
        kept = [key for key in compared or () if key in keys]
        if len(kept) < 2 or key_of(finished[-1]) not in kept:
            kept = keys[: len(finished)][-2:] if len(finished) > 1 else keys[:2]
        return {"compared": gr.update(choices=choices, value=kept)}

    def add_sound(self, clip: str, finished: Takes, compared: Sequence[str], uploaded: str | None) -> Updates:
        """A sound of the person's own is there, and compared at once."""
        page = self.offer(clip, finished, compared, uploaded)
        kept = [key for key in page["compared"]["value"] if key != uploaded]
        if uploaded and kept:
            page["compared"]["value"] = [*kept[: MOST - 1], uploaded]
        return page

    def compare(
        self, clip: str, visit: str, finished: Takes, compared: Sequence[str], uploaded: str | None
    ) -> Updates:
        """The picked sounds one below the other, on the stretch that the first picked take covers."""
        with told():
            if not clip or not compared:
                return {"compare": None}
            place = self.visits.folder(visit) / uuid.uuid4().hex[:8]
            place.mkdir()
            first, sounds = self.picked(clip, finished, compared, uploaded, place)
            if not sounds:
                return {"compare": None}
            value = compare_value(
                sounds,
                place,
                video=first.video,
                duration_s=probe(first.video).duration_s,
                onsets_s=self.wanted(first).times_s,
            )
            return {"compare": value}
        return {}

    def picked(
        self, clip: str, finished: Takes, compared: Sequence[str], uploaded: str | None, place: Path
    ) -> tuple[Take, list[tuple[str, Path]]]:
        """The take whose picture is shown, and label and file of each picked sound, all of one stretch of the clip.

        Args:
            place: a folder for files that must be made.

        Raises:
            FoleyError: if takes of several stretches are picked.
        """
        names = {key: label for label, key in self._sounds(clip, finished, uploaded)}
        picked = [key for key in compared or () if key in names]
        takes = {key_of(take): take for take in finished}
        first = next((takes[key] for key in picked if key in takes), finished[-1])
        stretch = first.controls.range_s
        sounds = []
        for key in picked:
            take = takes.get(key)
            if take is not None and take.controls.range_s != stretch:
                raise FoleyError(f"{take.name} covers another stretch of the clip than {first.name}.")
            sounds.append((names[key], take.wav if take else self._file(key, clip, uploaded, stretch, place)))
        return first, sounds

    def wanted(self, take: Take) -> Onsets:
        """The onsets that a take was asked for, in seconds of its own video."""
        data = json.loads(take.onsets_json.read_text(encoding="utf-8")) if take.onsets_json else {}
        return Onsets.of(data.get("onsets_s", ()), data.get("strengths"))

    def _sounds(self, clip: str, finished: Takes, uploaded: str | None) -> list[tuple[str, str]]:
        """Label and key of all that can be compared; the takes come first."""
        sounds = [(take.name, key_of(take)) for take in finished]
        if self.page.bare(clip).clip.has_audio:
            sounds.append(("Original sound", ORIGINAL))
        if uploaded:
            sounds.append((Path(uploaded).name, uploaded))  # each file has a key of its own, its path
        return sounds

    def _file(
        self, key: str, clip: str, uploaded: str | None, stretch: tuple[float, float] | None, place: Path
    ) -> Path:
        """A file with a sound that is no take; of the clip's own only the stretch that is compared."""
        if key == uploaded:
            return Path(key)
        if stretch is None:
            return Path(clip)
        rate_hz = self.page.bare(clip).clip.audio_rate_hz
        start, end = (round(time_s * rate_hz) for time_s in stretch)
        out = place / "original.wav"
        write_wav(out, read_audio(clip, rate_hz)[start:end], rate_hz)
        return out


def key_of(take: Take) -> str:
    """By what the page knows a take while it may be renamed on the way: its folder."""
    return take.folder.name


def the_take(finished: Takes, chosen: int | None) -> Take:
    """The shown take.

    Raises:
        FoleyError: if there is none.
    """
    if chosen is None or not 0 <= chosen < len(finished):
        raise FoleyError(NO_TAKE)
    return finished[chosen]
