"""Dubs a folder of clips as the product does it, with parts switched off by name: the folders that tables compare."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.cluster.ray_tasks import spread
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.report.folders import ClipFiles, find_clips, has_sound, read_sound
from rhythmic_foley.studio.studio import Analysis, Controls, Studio, Take

FULL = "full"
RUN_FILE = "run.json"

Change = Callable[[Controls, Analysis, ClipFiles], Controls]


def _as_it_is(controls: Controls, analysis: Analysis, files: ClipFiles) -> Controls:
    return controls


def _without_events(controls: Controls, analysis: Analysis, files: ClipFiles) -> Controls:
    """One description for the whole clip: what sounds, but not when."""
    said = ", ".join(dict.fromkeys(event.text for event in analysis.events))
    return replace(controls, text=controls.text or said or None)


def _without_semantics(controls: Controls, analysis: Analysis, files: ClipFiles) -> Controls:
    return replace(controls, semantic_scale=0.0)


def _without_temporal(controls: Controls, analysis: Analysis, files: ClipFiles) -> Controls:
    return replace(controls, temporal_scale=0.0)


def _corrected_onsets(controls: Controls, analysis: Analysis, files: ClipFiles) -> Controls:
    """Onsets as a careful person would set them: where the real sound hits."""
    wave, rate_hz = read_sound(files)
    return replace(controls, onsets=attack_times(wave, rate_hz))


# What is switched off (or corrected), by the name of its row. "Trained by video features" is another checkpoint.
VARIANTS: Mapping[str, Change] = MappingProxyType(
    {
        FULL: _as_it_is,
        "without-events": _without_events,
        "without-semantics": _without_semantics,
        "without-temporal": _without_temporal,
        "corrected-onsets": _corrected_onsets,
    }
)


@dataclass(frozen=True)
class DubRun:
    """What is dubbed and how.

    Attributes:
        clips: folder of the real clips; those without a sound of their own cannot be judged and are passed over.
        out: a folder for each variant is made here; what lies there already is not made again.
        variants: names of `VARIANTS`.
        seeds: samples of each clip.
        controls: of all; the seed is the first one's.
        descriptions: what sounds, by the clip's name, as a person types it; for other clips the describer says it.
    """

    clips: Path
    out: Path
    variants: Sequence[str] = (FULL, "without-semantics", "without-temporal")
    seeds: int = 1
    controls: Controls = Controls(seed=0)
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def folder(self, variant: str) -> Path:
        return self.out / variant


def dub_clips(
    studio: Studio, run: DubRun, progress: Callable[[str], None] = lambda line: None, ray: str | None = None
) -> dict[str, Path]:
    """Dubs every clip by every variant, going on where an earlier run stopped.

    Args:
        ray: address of a Ray cluster whose machines share the work; clips, sounds and model lie where all see them.

    Returns:
        The folder of each variant, with `CLIP_sample_K.wav` and the settings of each beside it.

    Raises:
        FoleyError: if there is no clip with sound, or the folder holds a run of other settings.
    """
    clips = {name: files for name, files in find_clips(run.clips).items() if files.video and has_sound(files)}
    if not clips:
        raise FoleyError(f"No clip in {run.clips} has both a picture and a sound to compare with.")
    _claim(run, studio)
    if ray is not None:
        _dub_on_ray(ray, studio, run, list(clips), progress)
    else:
        for number, (name, files) in enumerate(clips.items(), 1):
            who = f"{name} ({number} of {len(clips)}): "
            _dub_clip(studio, run, name, files, lambda line, who=who: progress(who + line))
    return {variant: run.folder(variant) for variant in run.variants}


def _dub_clip(studio: Studio, run: DubRun, name: str, files: ClipFiles, progress: Callable[[str], None]) -> None:
    missing = [
        (variant, sample)
        for variant in run.variants
        for sample in range(run.seeds)
        if not _wav(run, variant, name, sample).exists()
    ]
    if not missing:
        return
    progress("looking")
    text = run.descriptions.get(name)
    *_, analysis = studio.analyse(files.video, describe=text is None)
    for variant, sample in missing:
        progress(f"{variant}, sample {sample}")
        controls = VARIANTS[variant](replace(run.controls, text=text), analysis, files)
        controls = replace(controls, seed=(run.controls.seed or 0) + sample, takes=1)
        _dub(studio, analysis, controls, _wav(run, variant, name, sample))


def _dub_on_ray(
    address: str, studio: Studio, run: DubRun, names: Sequence[str], progress: Callable[[str], None]
) -> None:
    for number, result in spread(address, partial(_open_worker, studio.folder.resolve(), _resolved(run)), names):
        if isinstance(result, FoleyError):
            raise result
        progress(f"{names[number]}: done")


def _resolved(run: DubRun) -> DubRun:
    """Workers have working directories of their own."""
    return replace(run, clips=run.clips.resolve(), out=run.out.resolve())


def _open_worker(model: Path, run: DubRun) -> Callable[[str], None]:
    studio, clips = Studio(model), find_clips(run.clips)
    return lambda name: _dub_clip(studio, run, name, clips[name], lambda line: None)


def _wav(run: DubRun, variant: str, clip: str, sample: int) -> Path:
    return run.folder(variant) / f"{clip}_sample_{sample}.wav"


def _dub(studio: Studio, analysis: Analysis, controls: Controls, wav: Path) -> None:
    wav.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for step in studio.dub(analysis, controls, Path(folder)):
            if isinstance(step, Take):
                shutil.copyfile(step.settings, wav.with_suffix(".json"))
                unfinished = wav.with_suffix(".part")
                shutil.copyfile(step.wav, unfinished)
                unfinished.replace(wav)  # a sound that is there is whole


def _claim(run: DubRun, studio: Studio) -> None:
    """Writes down what the run is, or makes sure that what was begun here is the same."""
    facts = {
        "revision": studio.revision,
        "controls": json.loads(run.controls.to_json()),
        "descriptions": dict(run.descriptions),
    }
    path = run.out / RUN_FILE
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != facts:
            raise FoleyError(
                f"{run.out} holds a run of another model or other settings; choose another --out or empty it."
            )
        return
    run.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
