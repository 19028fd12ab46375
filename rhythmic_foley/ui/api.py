"""The two endpoints for programs, `/analyse` and `/dub`: plain JSON and files instead of the page's controls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError, quoted, shown
from rhythmic_foley.studio.dub_plan import likeliest_events
from rhythmic_foley.ui.export_api import take_id
from rhythmic_foley.ui.form import span_of
from rhythmic_foley.ui.gpu import on_gpu
from rhythmic_foley.ui.handlers import NO_CLIP, Studios
from rhythmic_foley.ui.jobs import errors_as_sentences
from rhythmic_foley.ui.sessions import Visits
from rhythmic_foley.ui.wiring import MODEL
from rhythmic_foley.values.alternatives import READINGS, alternative
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import AUTO, SoundEvent, event_as_json, events_from_data
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis, Progress, Take
from rhythmic_foley.values.seeds import read_seed

_PLAIN = Controls()


class Endpoints:
    """What programs may ask of the studios."""

    def __init__(self, studios: Studios, visits: Visits) -> None:
        """Take the studios, and where every call gets a folder of its own."""
        self.studios = studios
        self.visits = visits
        self._dub_there = on_gpu(self._dub_here, studios.pace)

    def analyse(
        self,
        clip: str,
        model: str | None = None,
        describer: str | None = None,
        onsets_from: str = _PLAIN.onsets_from,
        guide: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """What sounds in a clip, and when.

        Args:
            clip: the video file.
            model: name of one of the models there; the usual one if left out.
            describer: who says what sounds: a name that the page offers; the usual one if left out.
            onsets_from: where onsets come from: "picture", the clip's own "sound", or "both".
            guide: a sound file of taps, claps or a voice in time with the clip, whose attacks are the onsets instead.

        Returns:
            Progress while it is made; at last the clip's facts, describer, events, suggestions (the likeliest sounds
            with their confidence), onsets_s, strengths, threshold and alternatives: other readings of the onsets by
            name. Where the describer is not `sure`, events hold the likeliest suggestion.
        """
        with errors_as_sentences():
            heard = {"onsets_from": onsets_from, "guide": Path(guide) if guide else None}
            for item in self._analyse(clip, model, describer=describer, **heard):
                yield _said(item) if isinstance(item, Progress) else _as_json(item)

    def dub(
        self,
        clip: str,
        events: list | dict | str | None = None,
        onsets: list | dict | str | float | None = None,
        text: str = "",
        negative: str = _PLAIN.negative,
        semantic_scale: float = _PLAIN.semantic_scale,
        temporal_scale: float = _PLAIN.temporal_scale,
        guidance_scale: float | None = None,
        steps: int | None = None,
        seed: str | int | None = None,
        takes: int = 1,
        keep_original_db: float | None = None,
        loudness_lufs: float | None = _PLAIN.loudness_lufs,
        start_s: float | None = None,
        end_s: float | None = None,
        source: str = AUTO,
        samples: list[str] | None = None,
        library: list[str] | None = None,
        reference: str | None = None,
        reference_strength: float = _PLAIN.reference_strength,
        stems: bool = False,
        onset_guidance: float = _PLAIN.onset_guidance,
        classifier_scale: float = _PLAIN.classifier_scale,
        model: str | None = None,
        describer: str | None = None,
        onsets_from: str = _PLAIN.onsets_from,
        guide: str | None = None,
    ) -> Iterator[tuple[list[str], list[str], list[str], dict[str, Any]]]:
        """Dub a clip. What is left out is proposed from the picture.

        Args:
            clip: the video file.
            events: what sounds when, as `/analyse` gives it, or as text with a sound a line; [] for nothing.
            onsets: times in seconds, as a list, as text such as "0.5, 1.2", or with strengths as `/analyse` gives
                them; [] for none.
            text: what sounds, in plain words, for the whole clip; used instead of events.
            negative: what should not be heard.
            semantic_scale: strength of the description, 0 to 2; 0 is off.
            temporal_scale: strength of the onsets, 0 to 2; 0 is off.
            guidance_scale: how closely to follow picture and text; the model's own if left out.
            steps: denoising steps; the model's own if left out.
            seed: 0 to 2^64-1, the same seed gives the same takes; drawn if left out or -1. Text, since JavaScript
                rounds large numbers; numbers are taken too.
            takes: 1 to 8.
            keep_original_db: gain at which the clip's own sound is mixed in; left out for none.
            loudness_lufs: integrated loudness of the result; null for as it comes.
            start_s: where in the clip to begin; left out for its beginning.
            end_s: where in the clip to end; left out for its end.
            source: what sounds are made of unless an event says otherwise: "auto", "model", "samples" or "blend".
            samples: sound files of hits as they should sound, for every event.
            library: names of folders of sounds that the app offers; all of them if left out.
            reference: one such file, from which sounds are blended.
            reference_strength: how much of the samples stays in a blend, 0 to 1.
            stems: a single event is written as a stem too; several always are.
            onset_guidance: of steering towards the onsets without the temporal adapter; 0 is off, 1 is plenty.
            classifier_scale: of guidance by a classifier, where the model has one; 0 is off.
            model: name of one of the models there; the usual one if left out.
            describer: who says what sounds where neither events nor text do; the usual one if left out.
            onsets_from: where onsets that are left out come from: "picture", the clip's own "sound", or "both".
            guide: a sound file of taps, claps or a voice in time with the clip, whose attacks are the onsets instead.

        Returns:
            Dubbed videos, wavs, stems of all takes, and {"takes": [id for `/export`, seed, measured hits, settings and
            names of its stems of each]}.
        """
        with errors_as_sentences():
            plain = self.studios[model].defaults
            controls = Controls(
                events=None if events is None else events_of_a_stranger(events),
                onsets=None if onsets is None else Onsets.from_data(onsets),
                text=text.strip() or None if isinstance(text, str) else text,
                negative=negative,
                semantic_scale=semantic_scale,
                temporal_scale=temporal_scale,
                guidance_scale=plain.guidance_scale if guidance_scale is None else guidance_scale,
                steps=plain.steps if steps is None else _whole(steps),
                seed=None if seed is None else read_seed(str(_whole(seed))),
                takes=_whole(takes),
                keep_original_db=keep_original_db,
                loudness_lufs=loudness_lufs,
                source=source,
                samples=tuple(map(Path, samples or ())),
                library=offered_folders(self.studios[model].libraries, library),
                reference=None if reference is None else Path(reference),
                reference_strength=reference_strength,
                stems=stems,
                onset_guidance=onset_guidance,
                classifier_scale=classifier_scale,
                onsets_from=onsets_from,
                guide=Path(guide) if guide else None,
            )
            span = _seconds("start_s", start_s), _seconds("end_s", end_s)
            done: list[Take] = []
            for item in self._dub(clip, controls, span, model, describer):
                if isinstance(item, Take):
                    done.append(item)
                state = _said(item) if isinstance(item, Progress) else {}
                singles = [str(path) for take in done for path in take.stems]
                about = state | {"takes": [{"id": take_id(take, self.visits.root)} | _take(take) for take in done]}
                yield _files(done, "video"), _files(done, "wav"), singles, about

    def _analyse(self, clip: str, model: str | None, **how: Any) -> Iterator[Progress | Analysis]:
        if not clip:
            raise FoleyError(NO_CLIP)
        with closing(self.studios[model].analyse(clip, **how)) as work:
            yield from work

    def _dub(
        self,
        clip: str,
        controls: Controls,
        span: tuple[float | None, float | None],
        model: str | None,
        describer: str | None,
    ) -> Iterator[Progress | Take]:
        if not clip:
            raise FoleyError(NO_CLIP)
        with closing(self.studios[model].analyse_for(clip, controls, describer=describer)) as work:
            for item in work:
                if isinstance(item, Progress):
                    yield item
                else:
                    analysis = item
        controls = replace(controls, range_s=span_of(*span, analysis.clip.duration_s))
        folder = self.visits.folder(self.visits.new())
        with closing(self._dub_there(analysis, controls, folder, model)) as work:
            yield from work

    def _dub_here(
        self, analysis: Analysis, controls: Controls, folder: Path, model: str | None
    ) -> Iterator[Progress | Take]:
        yield from self.studios[model].dub(analysis, controls, folder)


def wire_api(endpoints: Endpoints) -> None:
    """`/analyse` and `/dub`. Their components are never shown; Gradio derives types and upload checks from them."""
    with gr.Group(visible=False):
        clip = gr.Video(label="clip")
        model, describer = (gr.Textbox(None, label=label) for label in ("model", "describer"))
        heard = (gr.Textbox(_PLAIN.onsets_from, label="onsets_from"), gr.Audio(None, label="guide", type="filepath"))
        analysis = gr.JSON(label="analysis")
        files = [gr.File(label=label, file_count="multiple") for label in ("videos", "wavs", "stems")]
        takes = gr.JSON(label="takes")
        settings = {
            "events": gr.JSON(None, label="events"),
            "onsets": gr.JSON(None, label="onsets"),
            "text": gr.Textbox("", label="text"),
            "negative": gr.Textbox(_PLAIN.negative, label="negative"),
            "semantic_scale": gr.Number(_PLAIN.semantic_scale, label="semantic_scale"),
            "temporal_scale": gr.Number(_PLAIN.temporal_scale, label="temporal_scale"),
            "guidance_scale": gr.Number(None, label="guidance_scale"),
            "steps": gr.Number(None, label="steps"),
            "seed": gr.Textbox(None, label="seed"),
            "takes": gr.Number(1, label="takes"),
            "keep_original_db": gr.Number(None, label="keep_original_db"),
            "loudness_lufs": gr.Number(_PLAIN.loudness_lufs, label="loudness_lufs"),
            "start_s": gr.Number(None, label="start_s"),
            "end_s": gr.Number(None, label="end_s"),
            "source": gr.Textbox(AUTO, label="source"),
            "samples": gr.File(None, label="samples", file_count="multiple", type="filepath"),
            "library": gr.JSON(None, label="library"),
            "reference": gr.Audio(None, label="reference", type="filepath"),
            "reference_strength": gr.Number(_PLAIN.reference_strength, label="reference_strength"),
            "stems": gr.Checkbox(False, label="stems"),
            "onset_guidance": gr.Number(_PLAIN.onset_guidance, label="onset_guidance"),
            "classifier_scale": gr.Number(_PLAIN.classifier_scale, label="classifier_scale"),
        }
        trigger = gr.Button()
    trigger.click(endpoints.analyse, [clip, model, describer, *heard], analysis, api_name="analyse", **MODEL)
    trigger.click(
        endpoints.dub, [clip, *settings.values(), model, describer, *heard], [*files, takes], api_name="dub", **MODEL
    )


def events_of_a_stranger(events: Any) -> tuple[SoundEvent, ...]:
    """Events as a caller sends them, who must not name files on this machine.

    Raises:
        FoleyError: if one names samples.
    """
    read = events_from_data(events)
    if any(event.samples for event in read):
        raise FoleyError("Send samples as files; an event cannot name files of this server.")
    return read


def offered_folders(offered: Sequence[Path], names: list[str] | None) -> tuple[Path, ...]:
    """The folders of sounds that a caller names, of those that the app offers.

    Raises:
        FoleyError: if there is no folder of a name.
    """
    by_name = {folder.name: folder for folder in offered}
    for name in names or ():
        if name not in by_name:
            raise FoleyError(f"There is no folder of sounds called {quoted(str(name))} here.")
    return tuple(offered) if names is None else tuple(by_name[name] for name in names)


def _whole(value: Any) -> Any:
    """A number as programs send it, 20 for 20.0; anything else as it is, for `Controls` to refuse by name."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _seconds(name: str, value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise FoleyError(f"{name} must be a number of seconds, not {shown(value)}.")
    return value


def _said(progress: Progress) -> dict[str, Any]:
    return {"progress": progress.fraction, "message": progress.message, "eta_s": progress.eta_s}


def _as_json(analysis: Analysis) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(analysis.clip).items() if name != "path"}
    events, note = likeliest_events(analysis)
    return {
        "clip": facts,
        "describer": analysis.describer,
        "sure": not note,
        "events": [event_as_json(event) for event in events],
        "suggestions": [asdict(suggestion) for suggestion in analysis.suggestions],
        "onsets_s": list(analysis.onsets.times_s),
        "strengths": list(analysis.onsets.strengths),
        "threshold": analysis.threshold,
        "alternatives": {name: _onsets(alternative(analysis.onsets, analysis.curve, name)) for name in READINGS},
        "notes": [*analysis.notes, *([note] if note else [])],
    }


def _onsets(onsets: Onsets) -> dict[str, list[float]]:
    return {"onsets_s": list(onsets.times_s), "strengths": list(onsets.strengths)}


def _take(take: Take) -> dict[str, Any]:
    return {
        "seed": take.seed,
        "measured": take.measured and asdict(take.measured),
        "notes": list(take.notes),
        "stems": [path.name for path in take.stems],
        "settings": json.loads(take.settings.read_text(encoding="utf-8")),
    }


def _files(takes: list[Take], kind: str) -> list[str]:
    return [str(getattr(take, kind)) for take in takes]
