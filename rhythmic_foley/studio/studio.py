"""The job itself: `analyse` a clip, then `dub` it. Command line, app and batch all call this.

Networks, and the libraries that they need, are imported where they are first used: describing a clip and looking for
onsets must not wait for the sound model's.
"""

from __future__ import annotations

import gc
import importlib
import json
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.describe import Describer
from rhythmic_foley.describe.base import Description
from rhythmic_foley.describe.choose import EMBEDDED, Asking, Describers
from rhythmic_foley.describe.speech import without_speech
from rhythmic_foley.describe.tightening import LEAST_PEAK, tightened
from rhythmic_foley.describe.word_check import WordNote, check_words
from rhythmic_foley.describe.wordbook import Wordbook, is_known
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.opening import LibraryOpener
from rhythmic_foley.library.shelf import SoundLibrary
from rhythmic_foley.media.muxing import plan_cut, write_cut
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.pipeline.checksums import check_sums
from rhythmic_foley.pipeline.loading import EMBEDDED as EMBEDDED_MODEL
from rhythmic_foley.pipeline.loading import INDEX, find_checkpoint, load_pipeline, revision, roots, running_here, stamp
from rhythmic_foley.runtime.cache import Cache, file_digest
from rhythmic_foley.runtime.memory import Memory, enough_memory, free, give_back
from rhythmic_foley.studio.dub_plan import (
    UNKNOWN_NOTE,
    DubPlan,
    Stretch,
    TakeToFix,
    drop_onsets_of_sustained,
    resolve_controls,
)
from rhythmic_foley.studio.meter import Meter
from rhythmic_foley.studio.mixdown import mix_for_take
from rhythmic_foley.studio.onset_sources import guide_curve, with_sound
from rhythmic_foley.studio.sources import Sourced, needs_library, with_sources
from rhythmic_foley.studio.stem_maker import SAMPLES_RATE_HZ, StemMaker
from rhythmic_foley.studio.stems import StemPlan, split_into_stems, with_bases
from rhythmic_foley.studio.takes import Draft, draw_mel, prepare_folder, read_sound, read_take, write_take
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.controls import PICTURE, SOUND, Controls, Fix
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, NOTHING_SEEN, Curve, Seen, pick_onsets
from rhythmic_foley.values.events import (
    AUTO,
    MODEL,
    SAMPLES,
    UNKNOWN,
    SoundEvent,
    Suggestion,
    events_from_json,
    events_to_json,
)
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.limits import MIN_CLIP_S
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis, Progress, Take
from rhythmic_foley.values.seeds import next_seed

if TYPE_CHECKING:
    import torch

    from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline

__all__ = ["Analysis", "Asking", "Controls", "Fix", "Progress", "Studio", "Take"]

_MOTION_RATE_HZ, _MOTION_SIZE = 30.0, (256, 256)
_DESCRIBE_RATE_HZ = 4.0
_SLACK_S = 0.02  # a clip of ten minutes may be a frame longer

LEFT_OUT_NOTE = '"{}" goes on without hits, so {} onsets seen in the picture were left out; `onsets` lists them.'


class Studio:
    """Analyses and dubs clips with one model. Holds nothing of any request, so that threads may share it.

    Args:
        model: name or folder of a checkpoint.
        cache: what was made before is found again here.
        device: for the networks; by default the GPU if there is one.
        describer: who says what sounds: a describer, or a name as `open_describer` takes it; by default the one in the
            checkpoint, which also speaks where another one has nothing of use to say.
        asking: how a describer that talks is asked.
        memory: which large models take turns in; studios that work in one process share it.
        libraries: folders of sounds that the page offers; a dub looks in those that its controls name.
    """

    def __init__(
        self,
        model: str | Path = "mini",
        *,
        cache: Cache | None = None,
        device: str | None = None,
        describer: Describer | str = EMBEDDED,
        asking: Asking | None = None,
        memory: Memory | None = None,
        libraries: Sequence[Path] = (),
    ) -> None:
        self.folder = find_checkpoint(model)
        self._stamp = stamp(self.folder)
        self.cache = cache or Cache()
        self.describers = Describers(describer, self._embedded_describer, roots(), asking)
        self.memory = memory or Memory()
        self._device = device
        self.libraries = tuple(Path(folder).expanduser().resolve() for folder in libraries)
        self._loading = threading.Lock()

    def beside(self, model: str | Path) -> Studio:
        """The studio of another model, with the same describers, cache and turns in memory."""
        other = Studio(model, cache=self.cache, device=self._device, memory=self.memory, libraries=self.libraries)
        other.describers = self.describers
        return other

    @cached_property
    def pipeline(self) -> RhythmicFoleyPipeline:
        with self._loading:
            if "pipeline" not in self.__dict__:  # another thread may have loaded it while this one waited
                self.memory.enter("sound", self, self._unload)
                pipeline = load_pipeline(self.folder, self._device, running_here(self._device, self.cache))
                self._check_unchanged()
                self.__dict__["pipeline"] = pipeline
            return self.__dict__["pipeline"]

    def load_ahead(self, controls: Controls) -> None:
        """Load in the background what a dub needs; who asks for the model meanwhile waits for the rest.

        An error is not told here but to who asks for the model.

        Args:
            controls: of the dub. The model stays where it is if they are known to need none.
        """

        def load() -> None:
            with suppress(Exception):
                if self._seems_to_need_model(controls):
                    _ = self.pipeline, self.revision
                importlib.import_module("rhythmic_foley.audio.mel_images")  # its libraries too take their time

        if "pipeline" in self.__dict__:
            return
        importlib.import_module("torch")  # here, so that two threads do not import it at once
        threading.Thread(target=load, name="load the sound model").start()

    @property
    def describer(self) -> Describer:
        """Who is asked unless another one is chosen."""
        return self.describers[None]

    @cached_property
    def defaults(self) -> Controls:
        """The controls as nobody has touched them, with the steps and the guidance that the model was made for.

        The embedded model leaves to samples what the library has; a model that sees the picture makes everything.
        """
        plain = Controls()
        return replace(
            plain,
            source=MODEL if any(self._index.get("cavp", ())) else AUTO,
            steps=self._index.get("default_steps", plain.steps),
            guidance_scale=self._index.get("default_guidance_scale", plain.guidance_scale),
        )

    @property
    def has_classifier(self) -> bool:
        """Whether `Controls.classifier_scale` can be more than 0."""
        return any(self._index.get("classifier", ()))

    @cached_property
    def _index(self) -> dict[str, Any]:
        return json.loads((self.folder / INDEX).read_text(encoding="utf-8"))

    @cached_property
    def revision(self) -> str:
        found = revision(self.folder)
        self._check_unchanged()
        return found

    def analyse(
        self,
        path: str | Path,
        *,
        describe: bool = True,
        find_onsets: bool = True,
        describer: str | None = None,
        onsets_from: str = PICTURE,
        guide: Path | None = None,
    ) -> Iterator[Progress | Analysis]:
        """Looks at a clip: what sounds, and when. Yields progress, and the analysis at the end.

        Args:
            describer: who says what sounds: a name among `describers.names`; the usual one if left out.
            onsets_from: the "picture", the clip's own "sound", or "both"; see `onset_sources`.
            guide: a recording whose attacks are the onsets, whatever `onsets_from` says.

        Raises:
            FoleyError: if the file is not a clip that can be dubbed, or there is no such describer, or nothing can be
                heard where onsets are to come from a sound.
        """
        yield Progress(0.0, "Opening the clip")
        clip = probe(path)
        _check_length(clip)
        digest = file_digest(path)
        seen, onsets, note = NOTHING_SEEN, Onsets(), ""
        if find_onsets:
            yield Progress(0.1, "Looking for onsets")
            seen, note = self._find_onsets(clip, digest, onsets_from, guide)
            onsets = pick_onsets(seen.curve, DEFAULT_THRESHOLD)
        said = Description((), "")
        if describe:
            yield Progress(0.6, "Describing what sounds")
            said = without_speech(self._describe(clip, digest, self.describers[describer]))
            peaks = pick_onsets(seen.curve, LEAST_PEAK)
            said = replace(said, events=tightened(said.events, peaks.times_s, clip.duration_s))
            kept = drop_onsets_of_sustained(onsets, said.events)
            if len(kept) < len(onsets):
                said = replace(said, notes=(*said.notes, LEFT_OUT_NOTE.format(said.events[0].label, len(onsets))))
            onsets = kept
        notes = (*clip.notes, *said.notes, *((note,) if note else ()))
        if describe and not said.suggestions and all(event.label == UNKNOWN for event in said.events):
            notes = (*notes, UNKNOWN_NOTE)
        yield Analysis(
            clip,
            digest,
            said.events,
            onsets,
            DEFAULT_THRESHOLD,
            seen.curve,
            said.describer,
            notes,
            said.suggestions,
        )

    def analyse_for(
        self, path: str | Path, controls: Controls, *, describer: str | None = None
    ) -> Iterator[Progress | Analysis]:
        """Look at a clip only for what the controls leave open, before it is dubbed with them.

        The describer is not asked where events or a text are given. Onsets are not looked for where they are given.
        Nothing is looked for where a stretch of a take is made anew, since that take has both. The sound model is
        loaded meanwhile, unless a large describer needs the memory first.

        Args:
            describer: as for `analyse`.

        Raises:
            FoleyError: as `analyse` does.
        """
        told = controls.text is not None or controls.events is not None or controls.fix is not None
        placed = controls.onsets is not None or controls.fix is not None
        looked = self.analyse(
            path,
            describe=not told,
            find_onsets=not placed,
            describer=describer,
            onsets_from=controls.onsets_from,
            guide=controls.guide,
        )
        for number, item in enumerate(looked):
            if number == 1 and (told or not self.describers[describer].is_large):  # the clip could be opened
                self.load_ahead(controls)
            yield item

    def dub(
        self, analysis: Analysis, controls: Controls, out_dir: Path, *, previews: bool = False
    ) -> Iterator[Progress | Take]:
        """Makes the sound. Yields progress at each denoising step and each take when it is on disk.

        Closing the generator stops within one step; finished takes stay.

        Args:
            previews: whether some of the progress shows the mel under way.

        Raises:
            FoleyError: if a control is out of its range, or the results cannot be written.
        """
        base = None if controls.fix is None else self._take_to_fix(analysis, controls.fix)
        range_s = base.take.controls.range_s if base else controls.range_s
        prepare_folder(Path(out_dir), analysis.clip.path.stem)
        give_back()
        stretch = self._stretch(analysis, range_s)
        plan = resolve_controls(analysis, controls, stretch, base)
        sourced = yield from self._sourced(plan)
        if sourced.needs_model:
            yield Progress(0.0, "Loading the model")
        maker = self._maker(analysis, plan, sourced.needs_model, previews)
        meter = Meter(controls.takes * maker.steps(sourced.plans))
        words = self.check_words(controls, analysis.events) if sourced.needs_model else ()
        for number in range(controls.takes):
            seed = next_seed(plan.seed, number)
            one = plan.with_seed(seed)
            stems = [replace(stem, seed=seed) for stem in sourced.plans]
            named = meter.named(f"Take {number + 1} of {controls.takes}")
            sound = yield from maker.make(stems, named, base.sound.stems if base else ())
            model = {"model": self.folder.name, "revision": self.revision} if sourced.needs_model else {}
            draft = Draft(
                clip=self._stretch(analysis, range_s).path,  # once more: the cache may have lost it meanwhile
                title=analysis.clip.path.stem,
                asked=one.asked,
                onsets=plan.onsets,
                sound=sound,
                mixed=mix_for_take(analysis.clip, plan, sound),
                samples=sourced.samples,
                facts={
                    "clip_sha256": analysis.digest,
                    **model,
                    "timecode": analysis.clip.timecode,
                    "starts_s": stretch.interval.start_s,
                },
                notes=(*analysis.clip.notes, *plan.notes, *words, *sourced.notes, *sound.notes),
            )
            yield write_take(draft, Path(out_dir))

    @cached_property
    def wordbook(self) -> Wordbook:
        """What the model has learnt to name."""
        with self._loading:  # while the libraries load one model, another thread cannot load a second one
            from rhythmic_foley.studio.words import open_wordbook

            return open_wordbook(find_checkpoint(EMBEDDED_MODEL), self.cache)

    def check_text(self, text: str) -> tuple[WordNote, ...]:
        """What the model does not understand of one text; the model of words is loaded only where that is open."""
        return () if not text.strip() or is_known(text) else check_words(text, self.wordbook)

    def check_words(self, controls: Controls, proposed: Sequence[SoundEvent] = ()) -> tuple[str, ...]:
        """Say which words of a person's descriptions the model does not know.

        Args:
            controls: hold the descriptions.
            proposed: events about which nothing is said, because no person wrote them.
        """
        ours = {UNKNOWN, *(event.text for event in proposed)}
        texts = [controls.text or "", *(event.text for event in controls.events or ()), controls.negative]
        notes = [note for text in texts if text not in ours for note in self.check_text(text)]
        return tuple(dict.fromkeys(note.sentence for note in notes))

    def open_library(self, folders: Sequence[Path] = ()) -> Iterator[Progress | SoundLibrary]:
        """Index folders of sounds where they are new. Yields progress, and at the end the library with the bank.

        Raises:
            FoleyError: if a folder is missing, or the embedded model, which compares words, is not here.
        """
        return self._opener.open(folders)

    @cached_property
    def _opener(self) -> LibraryOpener:
        return LibraryOpener(find_checkpoint(EMBEDDED_MODEL), self.cache)

    def _seems_to_need_model(self, controls: Controls) -> bool:
        """Whether anything that is described already is made by the model, as far as the bank can tell."""
        events = (SoundEvent(controls.text),) if controls.text else controls.events or ()
        plans = [StemPlan(controls, (event,), Onsets(), 0) for event in events]
        if controls.source == AUTO and not plans:
            return False  # what nobody has described yet is mostly in the bank
        *_, library = self.open_library()
        return with_sources(plans, library).needs_model if plans else controls.source != SAMPLES

    def _sourced(self, plan: DubPlan) -> Generator[Progress, None, Sourced]:
        """The stems of a take with what they are made of."""
        plans = split_into_stems(plan)
        if plan.base is not None and plan.fix is not None:
            plans = with_bases(plans, plan.base.sound.stems, plan.fix)
        library = None
        if needs_library(plans):
            for item in self.open_library(plan.asked.library):
                if isinstance(item, Progress):
                    yield item
                else:
                    library = item
        return with_sources(plans, library)

    def mel_png(self, wave: np.ndarray | Path, out: Path, onsets: Onsets | None = None) -> Path:
        """Mel picture of a waveform at 16 kHz, or of a wav file, with onsets as lines."""
        from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ

        wave, rate_hz = read_wav(wave) if isinstance(wave, Path) else (wave, SAMPLE_RATE_HZ)
        return draw_mel(wave, rate_hz, out, onsets.times_s if onsets else ())

    def _stretch(self, analysis: Analysis, range_s: tuple[float, float] | None) -> Stretch:
        """What of the clip is dubbed: all of it, or the range as a file of its own."""
        clip = analysis.clip
        if range_s is None:
            return Stretch(clip.path, Interval(0.0, clip.duration_s))
        cut = plan_cut(clip.path, *range_s)
        key = Cache.key("stretch-1", analysis.digest, cut)
        found = self.cache.load("stretch", key, ".mp4", probe, lambda path: write_cut(clip.path, cut, path))
        _check_length(found)
        notes = [] if cut.copied else ["The range does not begin on a key frame, so its picture was re-encoded."]
        if range_s[1] > clip.duration_s + 1 / clip.fps:
            notes.append(f"The range ends at {range_s[1]:g} s, but the clip is {clip.duration_s:.2f} s long.")
        return Stretch(found.path, Interval(cut.start_s, cut.end_s), tuple(notes))

    def _take_to_fix(self, analysis: Analysis, fix: Fix) -> TakeToFix:
        """What stays around a stretch made anew.

        Raises:
            FoleyError: if the take is not of this clip and model.
        """
        take = read_take(fix.take)
        made_of = json.loads(take.settings.read_text(encoding="utf-8"))
        if made_of.get("clip_sha256") != analysis.digest:
            raise FoleyError(f"{take.name} was made for another clip; choose one of this clip's takes to fix.")
        if made_of.get("revision", self.revision) != self.revision:
            raise FoleyError(f"{take.name} was made with another model; fix it with that one.")
        return TakeToFix(take, *read_sound(take))

    def _maker(self, analysis: Analysis, plan: DubPlan, needs_model: bool, previews: bool) -> StemMaker:
        """Who makes the stems; of a fix at the rate of the earlier take."""
        stretch = plan.stretch
        rate_hz = None if plan.base is None else plan.base.sound.rate_hz
        if not needs_model:
            return StemMaker(None, stretch.duration_s, rate_hz or SAMPLES_RATE_HZ)
        pipeline = self.pipeline
        with self._loading:  # libraries that two threads import at once may be found half there
            from rhythmic_foley.studio.generation import SoundMaker

        features = self._features(analysis) if pipeline.needs_video else None
        model = SoundMaker(
            pipeline, self.revision, self.cache, stretch.duration_s, previews, features, stretch.interval.start_s
        )
        return StemMaker(model, stretch.duration_s, rate_hz or pipeline.sample_rate_hz)

    def _features(self, analysis: Analysis) -> torch.Tensor:
        """What a model that looks at the picture sees in it, (T, D) of the whole clip."""
        import torch

        from rhythmic_foley.pipeline.pipeline import VIDEO_RATE_HZ, VIDEO_START_S

        def write(path: Path) -> None:
            frames = read_frames(analysis.clip.path, VIDEO_RATE_HZ, start_s=VIDEO_START_S)
            with enough_memory():
                np.save(path, self.pipeline.encode_video(frame for _, frame in frames).numpy())

        key = Cache.key("features-1", analysis.digest, self.revision)
        return torch.from_numpy(self.cache.load("features", key, ".npy", np.load, write))

    def _find_onsets(self, clip: ClipInfo, digest: str, onsets_from: str, guide: Path | None) -> tuple[Seen, str]:
        """When sounds start, by picture, sound or guide, and a note for the person or nothing."""
        if guide is not None:
            return Seen(guide_curve(guide), NOTHING_SEEN.sounding), ""
        seen = NOTHING_SEEN if onsets_from == SOUND else self._see(clip, digest)
        return (seen, "") if onsets_from == PICTURE else with_sound(seen, clip, onsets_from)

    def _see(self, clip: ClipInfo, digest: str) -> Seen:
        """When sounds start, by the checkpoint's event detector or, where it has none, by motion alone."""

        def write(path: Path) -> None:
            from rhythmic_foley.vision.onset_detector import detect, load_detector

            check_sums(self.folder, "event_detector")
            frames = read_frames(clip.path, min(clip.fps, _MOTION_RATE_HZ), _MOTION_SIZE, fit="inside")
            seen = detect(frames, load_detector(self.folder))
            curve, sounding = seen.curve, seen.sounding
            np.savez(path, curve=(curve.times_s, curve.values), sounding=(sounding.times_s, sounding.values))

        key = Cache.key("curve-2", digest, revision(self.folder / "event_detector"))
        return self.cache.load("curve", key, ".npz", _read_seen, write)

    def _describe(self, clip: ClipInfo, digest: str, describer: Describer) -> Description:
        """What the describer says, from the cache if it was asked before; a stand-in's answer is not kept."""
        # The embedded describer's weights, since it may speak for any other.
        stand_in = revision(self._describer_folder)
        key = Cache.key("events-3", digest, describer.fingerprint, stand_in)
        known = self._said_before(key)
        if known is not None:
            return Description(known[0], describer.name, suggestions=known[1])
        frames = read_frames(clip.path, _DESCRIBE_RATE_HZ, describer.frame_size, fit="inside")
        if describer.is_large:
            self.memory.enter(describer.name, describer, describer.close)
        said = describer.look(frames, clip.duration_s)
        if said.describer == describer.name and not said.notes:
            suggestions = [asdict(one) for one in said.suggestions]
            text = json.dumps({"events": json.loads(events_to_json(said.events)), "suggestions": suggestions})
            self.cache.put("events", key, ".json", lambda path: path.write_text(text, encoding="utf-8"))
        return said

    def _embedded_describer(self) -> Describer:
        from rhythmic_foley.describe.embedded import EmbeddedDescriber

        folder = self._describer_folder
        check_sums(folder.parent, folder.name)
        return EmbeddedDescriber.from_pretrained(folder)

    @property
    def _describer_folder(self) -> Path:
        """The describer of the checkpoint or, where it has none, of the embedded one."""
        own = self.folder / "describer"
        return own if own.is_dir() else find_checkpoint(EMBEDDED_MODEL) / "describer"

    def _unload(self) -> None:
        """Gives the sound model's memory back; the next dub loads it again."""
        self.__dict__.pop("pipeline", None)
        gc.collect()
        free()

    def _said_before(self, key: str) -> tuple[tuple[SoundEvent, ...], tuple[Suggestion, ...]] | None:
        cached = self.cache.get("events", key, ".json")
        if cached is None:
            return None
        try:
            text = cached.read_text(encoding="utf-8")
            suggestions = tuple(Suggestion(**one) for one in json.loads(text)["suggestions"])
            return events_from_json(text), suggestions
        except (OSError, ValueError, TypeError, KeyError, FoleyError):  # gone meanwhile, or damaged
            self.cache.drop("events", key, ".json")
            return None

    def _check_unchanged(self) -> None:
        """What was read of the model must be of one piece; once it is in memory its files may change.

        Raises:
            FoleyError: if a file changed since the studio was opened.
        """
        if stamp(self.folder) != self._stamp:
            raise FoleyError(f"The model in {self.folder} was changed while it was read; start again to use it.")


def _read_seen(path: Path) -> Seen:
    with np.load(path) as stored:
        return Seen(Curve(*stored["curve"]), Curve(*stored["sounding"]))


def _check_length(clip: ClipInfo) -> None:
    if clip.duration_s < MIN_CLIP_S - _SLACK_S:
        raise FoleyError(f"This clip is {clip.duration_s:.2f} s long; at least {MIN_CLIP_S:g} s are needed.")
