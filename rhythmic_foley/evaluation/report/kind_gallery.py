"""A page of everyday kinds for eye and ear: the real recording, what a sampler would play, what the model makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, sound_mel
from rhythmic_foley.evaluation.experiments.kind_windows import case_of, choose, everyday_recordings, lay
from rhythmic_foley.evaluation.experiments.recognition import answer, nearest_recordings
from rhythmic_foley.evaluation.experiments.sampling import Parts
from rhythmic_foley.evaluation.report.page import grid, heading, paragraph, sound_card, write_page
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline

KINDS = 40
_LEAD = (
    "For each kind: a recording that no model has heard, the training recording of the nearest caption at the same "
    "times, and what the model makes of the caption and the times. Blue marks: where a hit was asked for; none where "
    "a sound goes on. A click on a picture plays from there."
)


def write_kind_gallery(
    pipeline: RhythmicFoleyPipeline,
    table: Path,
    folder: Path,
    *,
    kinds: int = KINDS,
    seed: int = 0,
    progress: Callable[[str], None] = lambda line: None,
    **options: object,
) -> Path:
    """Write `index.html` into the folder, which is made if need be, and give its path.

    Args:
        table: `sounds.csv` with the columns kind and split.
        kinds: at most so many, spread over the alphabet.
        options: as `generate` takes them.

    Raises:
        FoleyError: if the table cannot be used.
    """
    recordings = everyday_recordings(table)
    chosen = choose(recordings, 1, held_out=True, seed=seed)
    spread = np.linspace(0, len(chosen) - 1, min(kinds, len(chosen))).round().astype(int)
    cases, waves = zip(*(case_of(chosen[index], seed) for index in spread), strict=True)
    nearest = nearest_recordings(pipeline, cases, recordings)
    captions = [case.recording.caption for case in cases]
    made = answer(pipeline, cases, captions, Parts(), progress=progress, **options)
    parts = [paragraph(_LEAD)]
    for case, wave, recording, sound in zip(cases, waves, nearest, made, strict=True):
        laid, onsets_s = lay(recording, case), case.onsets.times_s
        real = sound_card("real", wave, SAMPLE_RATE_HZ, sound_mel(wave, SAMPLE_RATE_HZ), onsets_s=onsets_s)
        sampled = sound_card(
            "sampled", laid, SAMPLE_RATE_HZ, sound_mel(laid, SAMPLE_RATE_HZ), note=recording.caption, onsets_s=onsets_s
        )
        model = sound_card("generated", sound.wave, sound.sample_rate_hz, sound.mel, onsets_s=onsets_s)
        parts += [heading(f"{case.recording.kind}: {case.recording.caption}"), grid([real, sampled, model])]
    return write_page(Path(folder) / "index.html", "Everyday kinds: real, sampled, generated", parts)
