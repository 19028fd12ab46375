"""Takes on disk: a folder with the video, the sound, its picture, settings, onsets and what is needed to fix it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rhythmic_foley.audio.mixing import Mix
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.audio.wav import read_wav, write_wav
from rhythmic_foley.errors import MALFORMED, FoleyError
from rhythmic_foley.library.credits import credits_note, credits_text
from rhythmic_foley.library.sample import Sample
from rhythmic_foley.media.reading import mux
from rhythmic_foley.runtime.atomic import move_into_place
from rhythmic_foley.studio.mixdown import MixedSound
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.onsets import OnsetMatch, Onsets, match_onsets
from rhythmic_foley.values.results import StemSound, Take, TakeSound
from rhythmic_foley.values.seeds import MAX_SEED

HIT_TOLERANCE_S = 0.05
# Of a name that a person chose, in a file's name: file systems count bytes, of which a letter may have four, and allow
# 255. What is put around it (a seed, a number, the name while it is written) is at most 90 bytes long.
_LONGEST_NAME, _LONGEST_NAME_BYTES = 60, 160
CREDITS = "credits.txt"
# Any other would be a name that someone made up, or one that stands for another file of a take.
_SOUND_SUFFIXES = (".wav", ".aif", ".aiff", ".flac", ".ogg", ".mp3", ".caf")


@dataclass(frozen=True)
class Draft:
    """What a take is written from.

    Attributes:
        clip: the file whose picture it gets.
        title: the name of the person's file, without its suffix.
        asked: the controls as they go into the settings file.
        onsets: the wanted ones, counted from the picture's beginning.
        sound: the stems before they were mixed.
        samples: recordings that were used.
        facts: stored beside the controls: clip_sha256, model, revision, the clip's timecode, and at which second of
            the clip the take starts.
    """

    clip: Path
    title: str
    asked: Controls
    onsets: Onsets
    sound: TakeSound
    mixed: MixedSound
    samples: tuple[Sample, ...] = ()
    facts: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


def prepare_folder(out_dir: Path, title: str) -> None:
    """Make the folder that takes go to; said before the sound is made, not after.

    Args:
        title: of the takes, as in `Draft`.

    Raises:
        FoleyError: if nothing can be written there, or not under so long a name.
    """
    longest = _partial(out_dir, f"{safe_name(title)}-seed{MAX_SEED}-fixed")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        longest.mkdir()
        with tempfile.TemporaryFile(dir=longest):
            pass
        longest.rmdir()
    except OSError as error:
        raise _unwritable(out_dir, error) from error


def write_take(draft: Draft, out_dir: Path) -> Take:
    """Writes the take's folder; it appears complete or not at all.

    Raises:
        FoleyError: if it cannot be written.
    """
    stem = safe_name(draft.title)
    name = f"{stem}-seed{draft.asked.seed}" + ("-fixed" if draft.asked.fix else "")
    return _appearing(out_dir, name, lambda folder: _write_files(draft, folder, stem))


def receive_take(name: str, files: Mapping[str, bytes], out_dir: Path) -> Take:
    """Writes a take that was made on another machine, as `write_take` does.

    Args:
        files: their content by their path in the take's folder.

    Raises:
        FoleyError: if it cannot be written.
    """

    def write(folder: Path) -> None:
        for path, content in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(content)

    return _appearing(out_dir, name, write)


def _appearing(out_dir: Path, name: str, write: Callable[[Path], None]) -> Take:
    """A take's folder that `write` fills under another name."""
    partial = _partial(out_dir, name)
    try:
        partial.mkdir(parents=True)
        write(partial)
        folder = _free_name(out_dir / name)
        move_into_place(partial, folder)
    except OSError as error:
        raise _unwritable(out_dir, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return read_take(folder)


def _partial(out_dir: Path, name: str) -> Path:
    """Where a take's folder lies until it is complete."""
    return out_dir / f".{name}-{uuid.uuid4().hex}"


def read_take(folder: str | Path) -> Take:
    """A take that is on disk.

    Raises:
        FoleyError: if the folder is none.
    """
    folder = Path(folder)
    try:
        (video,) = (path for path in folder.glob("*.mp4") if not path.name.startswith("."))
        settings = video.with_suffix(".json")
        text = settings.read_text(encoding="utf-8")
        data = json.loads(text)
        measured = data.get("measured")
        return Take(
            name=data.get("name", folder.name),
            folder=folder,
            video=video,
            wav=video.with_suffix(".wav"),
            mel=video.with_suffix(".png"),
            settings=settings,
            seed=int(data["seed"]),
            measured=None if measured is None else OnsetMatch(**measured),
            controls=Controls.from_json(text, folder),
            notes=tuple(data.get("notes", ())),
            sound=_if_there(video.with_suffix(".npz")),
            stems=tuple(sorted(folder.glob("stems/*.wav"))),
            credits=_if_there(folder / CREDITS),
            onsets_csv=_if_there(folder / f"{video.stem}-onsets.csv"),
            onsets_json=_if_there(folder / f"{video.stem}-onsets.json"),
        )
    except (OSError, *MALFORMED):
        raise FoleyError(f"{folder.name} is not the folder of a take.") from None


def read_sound(take: Take) -> tuple[TakeSound, Mix]:
    """The stems of a take before they were mixed, and how they were.

    Raises:
        FoleyError: if the take does not hold them.
    """
    try:
        with np.load(take.sound) as stored:
            return TakeSound(_read_stems(stored, take), int(stored["rate_hz"])), Mix(*map(float, stored["mix"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise FoleyError(f"{take.name} does not hold what is needed to fix it; dub the clip again.") from None


def read_original(take: Take) -> np.ndarray | None:
    """The clip's own sound that was kept in a take, (N,) at the rate of its wav; None for none."""
    with np.load(take.sound) as stored:
        return stored["original"] if "original" in stored else None


def _read_stems(stored: Mapping[str, np.ndarray], take: Take) -> tuple[StemSound, ...]:
    if "wave" in stored:  # written before takes had stems
        label = ", ".join(event.label for event in take.controls.events or ())
        return (StemSound(label, stored["wave"], stored["latents"]),)
    waves, latents, generated = stored["waves"], stored["latents"], stored["generated"]
    labels = [str(label) for label in stored["labels"]]
    return tuple(
        StemSound(label, wave, latents[number] if generated[number] else None)
        for number, (label, wave) in enumerate(zip(labels, waves, strict=True))
    )


def _write_stems(path: Path, sound: TakeSound, mixed: MixedSound) -> None:
    """What is needed to fix a take or to mix it again."""
    generated = [stem.latents is not None for stem in sound.stems]
    shape = next((stem.latents.shape for stem in sound.stems if stem.latents is not None), (0,))
    none = np.zeros(shape, np.float32)
    original = {} if mixed.original is None else {"original": np.asarray(mixed.original, np.float32)}
    np.savez(
        path,
        labels=np.array([stem.label for stem in sound.stems], dtype=str),
        waves=np.stack([stem.wave for stem in sound.stems]).astype(np.float32),
        latents=np.stack([none if stem.latents is None else stem.latents for stem in sound.stems]),
        generated=generated,
        rate_hz=sound.rate_hz,
        mix=(mixed.mix.gain, mixed.mix.original_gain),
        **original,
    )


def rename_take(take: Take, name: str) -> Take:
    """Gives a take another name, its folder too; answers where its files lie now.

    Raises:
        FoleyError: if the name is empty or the folder cannot be renamed.
    """
    name = " ".join(name.split())[:_LONGEST_NAME]
    if not name:
        raise FoleyError("A take needs a name.")
    settings = json.loads(take.settings.read_text(encoding="utf-8"))
    wanted = take.folder.with_name(safe_name(name))
    folder = take.folder if wanted == take.folder else _free_name(wanted)
    try:
        part = take.settings.with_suffix(".part")
        part.write_text(json.dumps({**settings, "name": name}, indent=2, ensure_ascii=False), encoding="utf-8")
        move_into_place(part, take.settings)
        os.replace(take.folder, folder)
    except OSError as error:
        raise FoleyError(f"The take cannot be renamed ({error.strerror}).") from error
    return read_take(folder)


def delete_take(take: Take) -> None:
    """Removes a take's folder; one that is gone already is no trouble."""
    if take.folder.exists():
        read_take(take.folder)  # nothing but a take is ever deleted
        shutil.rmtree(take.folder, ignore_errors=True)


def draw_mel(wave: np.ndarray, sample_rate_hz: int, out: Path, onsets_s: Sequence[float] = ()) -> Path:
    """Mel picture of a waveform, with onsets as lines."""
    from rhythmic_foley.audio.mel import sound_mel
    from rhythmic_foley.audio.mel_images import mel_image

    mel_image(sound_mel(wave, sample_rate_hz), out, onsets_s=onsets_s)
    return out


def safe_name(text: str) -> str:
    """A file name part without anything that a shell, a URL or HTML would mind, of at most 160 bytes."""
    letters = re.sub(r"[^\w.-]+", "_", text).strip("._")[:_LONGEST_NAME]
    return letters.encode("utf-8")[:_LONGEST_NAME_BYTES].decode("utf-8", "ignore") or "clip"


def _unwritable(out_dir: Path, error: OSError) -> FoleyError:
    return FoleyError(f"The take cannot be written to {out_dir} ({error.strerror or error}).")


def _write_files(draft: Draft, folder: Path, stem: str) -> None:
    write_wav(folder / f"{stem}.wav", draft.mixed.wave, draft.mixed.rate_hz)
    report = mux(draft.clip, draft.mixed.wave, draft.mixed.rate_hz, folder / f"{stem}.mp4")
    draw_mel(*read_wav(folder / f"{stem}.wav"), folder / f"{stem}.png", draft.onsets.times_s)
    if len(draft.mixed.stems) > 1 or draft.asked.stems:
        for number, (label, wave) in enumerate(draft.mixed.stems, start=1):
            write_wav(folder / "stems" / f"{number:02d}-{safe_name(label)}.wav", wave, draft.mixed.rate_hz)
    _write_stems(folder / f"{stem}.npz", draft.sound, draft.mixed)
    owed = credits_note(draft.samples) if draft.samples else ""
    if draft.samples:
        (folder / CREDITS).write_text(credits_text(draft.samples), encoding="utf-8")
    _write_onsets(draft.onsets, folder / f"{stem}-onsets")
    asked = _with_samples_beside(draft.asked, folder)
    measured = _measure(draft.sound, draft.onsets)
    settings = asked.to_json(
        folder,
        **(draft.facts or {}),
        measured=measured and asdict(measured),
        notes=[note for note in (report.note, *draft.notes, owed) if note],
    )
    (folder / f"{stem}.json").write_text(settings, encoding="utf-8")


def _with_samples_beside(asked: Controls, folder: Path) -> Controls:
    """Named sound files are copied into the take, so that its settings give the same sound wherever it goes."""
    copies: dict[Path, Path] = {}

    def copy(path: Path) -> Path:
        if path not in copies:
            suffix = path.suffix.lower()
            name = f"{len(copies) + 1:03d}-{safe_name(path.stem)}"
            copies[path] = folder / "samples" / f"{name}{suffix if suffix in _SOUND_SUFFIXES else '.sound'}"
            copies[path].parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copies[path])
        return copies[path]

    events = asked.events and tuple(replace(one, samples=tuple(map(copy, one.samples))) for one in asked.events)
    reference = asked.reference and copy(asked.reference)
    return replace(asked, reference=reference, samples=tuple(map(copy, asked.samples)), events=events)


def _write_onsets(onsets: Onsets, base: Path) -> None:
    """As a table, and as JSON that `--onsets` reads."""
    with open(base.with_name(f"{base.name}.csv"), "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["time_s", "strength"])
        table.writerows(zip(onsets.times_s, onsets.strengths, strict=True))
    text = json.dumps({"onsets_s": list(onsets.times_s), "strengths": list(onsets.strengths)}, indent=2)
    base.with_name(f"{base.name}.json").write_text(text, encoding="utf-8")


def _measure(sound: TakeSound, wanted: Onsets) -> OnsetMatch | None:
    if not len(wanted):
        return None
    return match_onsets(wanted.times_s, attack_times(sound.wave, sound.rate_hz).times_s, HIT_TOLERANCE_S)


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _free_name(folder: Path) -> Path:
    """The folder's name, or with a number if it is taken."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free
