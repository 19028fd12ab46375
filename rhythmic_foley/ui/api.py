"""The two endpoints for programs, `/analyse` and `/dub`: plain JSON and files instead of the page's controls."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import events_from_json
from rhythmic_foley.onsets import Onsets
from rhythmic_foley.studio import Analysis, Controls, Progress, Studio, Take
from rhythmic_foley.ui.handlers import CALM, NO_CLIP, new_run

log = logging.getLogger(__name__)

_PLAIN = Controls()


class Endpoints:
    """What programs may ask of one studio."""

    def __init__(self, studio: Studio, runs: Path) -> None:
        """Take the studio, and the folder below which every run gets its own."""
        self.studio = studio
        self.runs = runs

    def analyse(self, clip: str) -> Iterator[dict[str, Any]]:
        """What sounds in a clip, and when.

        Args:
            clip: the video file.

        Returns:
            Progress while it is made; at last the clip's facts, describer, events, onsets_s, strengths and threshold.
        """
        with _errors_as_sentences():
            for item in self._analyse(clip):
                yield _said(item) if isinstance(item, Progress) else _as_json(item)

    def dub(
        self,
        clip: str,
        events: list | None = None,
        onsets: list | None = None,
        text: str = "",
        negative: str = _PLAIN.negative,
        semantic_scale: float = _PLAIN.semantic_scale,
        temporal_scale: float = _PLAIN.temporal_scale,
        guidance_scale: float = _PLAIN.guidance_scale,
        steps: int = _PLAIN.steps,
        seed: int | None = None,
        takes: int = 1,
        keep_original_db: float | None = None,
        loudness_lufs: float | None = _PLAIN.loudness_lufs,
    ) -> Iterator[tuple[list[str], list[str], dict[str, Any]]]:
        """Dub a clip. What is left out is proposed from the picture.

        Args:
            clip: the video file.
            events: what sounds when, as `/analyse` gives it; [] for nothing.
            onsets: times in seconds; [] for none.
            text: what sounds, in plain words, for the whole clip; used instead of events.
            negative: what should not be heard.
            semantic_scale: strength of the description, 0 to 2; 0 is off.
            temporal_scale: strength of the onsets, 0 to 2; 0 is off.
            guidance_scale: how closely to follow picture and text.
            steps: denoising steps.
            seed: the same seed gives the same takes; drawn if left out.
            takes: 1 to 4.
            keep_original_db: gain at which the clip's own sound is mixed in; left out for none.
            loudness_lufs: integrated loudness of the result; null for as it comes.

        Returns:
            Dubbed videos, wavs, and {"takes": [seed, measured hits and settings of each]}.
        """
        with _errors_as_sentences():
            controls = Controls(
                events=None if events is None else events_from_json(json.dumps(events)),
                onsets=None if onsets is None else Onsets.of(onsets),
                text=text.strip() or None,
                negative=negative,
                semantic_scale=semantic_scale,
                temporal_scale=temporal_scale,
                guidance_scale=guidance_scale,
                steps=int(steps),
                seed=None if seed is None else int(seed),
                takes=int(takes),
                keep_original_db=keep_original_db,
                loudness_lufs=loudness_lufs,
            )
            done: list[Take] = []
            for item in self._dub(clip, controls):
                if isinstance(item, Take):
                    done.append(item)
                state = _said(item) if isinstance(item, Progress) else {}
                yield _files(done, "video"), _files(done, "wav"), state | {"takes": [_take(take) for take in done]}

    def _analyse(self, clip: str, **what: bool) -> Iterator[Progress | Analysis]:
        if not clip:
            raise FoleyError(NO_CLIP)
        with closing(self.studio.analyse(clip, **what)) as work:
            yield from work

    def _dub(self, clip: str, controls: Controls) -> Iterator[Progress | Take]:
        told = controls.text is not None or controls.events is not None
        for item in self._analyse(clip, describe=not told, find_onsets=controls.onsets is None):
            if isinstance(item, Progress):
                yield item
            else:
                analysis = item
        with closing(self.studio.dub(analysis, controls, new_run(self.runs))) as work:
            yield from work


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """What went wrong reaches the caller as one sentence; a traceback only the log."""
    try:
        yield
    except FoleyError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except Exception:
        log.exception("a call of the API failed")
        raise gr.Error(CALM, print_exception=False) from None


def _said(progress: Progress) -> dict[str, Any]:
    return {"progress": progress.fraction, "message": progress.message, "eta_s": progress.eta_s}


def _as_json(analysis: Analysis) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(analysis.clip).items() if name != "path"}
    return {
        "clip": facts,
        "describer": analysis.describer,
        "events": [asdict(event) for event in analysis.events],
        "onsets_s": list(analysis.onsets.times_s),
        "strengths": list(analysis.onsets.strengths),
        "threshold": analysis.threshold,
        "notes": list(analysis.notes),
    }


def _take(take: Take) -> dict[str, Any]:
    return {
        "seed": take.seed,
        "measured": take.measured and asdict(take.measured),
        "notes": list(take.notes),
        "settings": json.loads(take.settings.read_text(encoding="utf-8")),
    }


def _files(takes: list[Take], kind: str) -> list[str]:
    return [str(getattr(take, kind)) for take in takes]
