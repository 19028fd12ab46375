"""Index a folder of sounds once: what is in each file, what it is called, how it sounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.cutting import cut_recording
from rhythmic_foley.library.naming import names_of
from rhythmic_foley.library.sample import Cut, Sample, Source
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.values.results import Progress

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
MOST_FILES = 100_000
_KEEP_EVERY = 500  # files; so much work is lost when indexing is stopped

Embed = Callable[[Sequence[str]], np.ndarray]
Hear = Callable[[np.ndarray, int], tuple[np.ndarray, tuple[str, ...]]]


@dataclass(frozen=True)
class Recording:
    """What is known of one file.

    Attributes:
        path: as seen from the library's folder.
        stamp: size in bytes and time of change, by which a changed file is noticed.
        cuts: none for a file that is broken or silent.
        words: what it is called by its file and folder.
        heard: what YAMNet is sure to hear in it.
        broken: why it cannot be used; "" if it can.
    """

    path: str
    stamp: tuple[int, int]
    cuts: tuple[Cut, ...] = ()
    words: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    broken: str = ""
    source: Source = Source()


@dataclass(frozen=True)
class Index:
    """A folder of recordings.

    Attributes:
        sounds: float16 (recordings, 1024), YAMNet's embedding of each; zeros for one that cannot be used.
        wordings: every name once.
        vectors: float16 (wordings, 384), their embeddings.
    """

    folder: Path
    recordings: tuple[Recording, ...] = ()
    sounds: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float16), compare=False)
    wordings: tuple[str, ...] = ()
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float16), compare=False)

    @property
    def broken(self) -> tuple[Recording, ...]:
        """The files that were skipped."""
        return tuple(one for one in self.recordings if one.broken)

    def samples(self, number: int) -> tuple[Sample, ...]:
        """The samples of one recording."""
        one = self.recordings[number]
        return tuple(Sample(self.folder / one.path, cut, one.words, one.heard, one.source) for cut in one.cuts)


class Indexer:
    """Makes and keeps indexes of folders.

    Args:
        cache: where indexes are kept.
        embed: texts to unit vectors.
        hear: what a sound is like and what it is; None leaves names to files and folders.
        fingerprint: of the two networks, so that others make other indexes.
    """

    def __init__(self, cache: Cache, embed: Embed, hear: Hear | None, fingerprint: str) -> None:
        self._cache, self._embed, self._hear, self._fingerprint = cache, embed, hear, fingerprint

    def index(self, folder: Path) -> Iterator[Progress | Index]:
        """Index what is new or changed in a folder. Yields progress, and the index at the end.

        Raises:
            FoleyError: if there is no such folder, or it holds too many files.
        """
        folder = Path(folder).expanduser().resolve()
        files = _sound_files(folder)
        key = Cache.key("library-1", folder, self._fingerprint)
        before = self._kept(key, folder)
        known = {one.path: number for number, one in enumerate(before.recordings)} if before else {}
        recordings: list[Recording] = []
        sounds: list[np.ndarray] = []
        new: list[tuple[Path, tuple[int, int]]] = []
        for path, stamp in files:
            number = known.get(path.relative_to(folder).as_posix())
            if number is not None and before is not None and before.recordings[number].stamp == stamp:
                recordings.append(before.recordings[number])
                sounds.append(before.sounds[number])
            else:
                new.append((path, stamp))
        if before is not None and not new and len(recordings) == len(before.recordings):
            yield before
            return
        with ThreadPoolExecutor(2) as pool:
            looked = pool.map(lambda item: self._look(folder, *item), new)
            for done, (recording, sound) in enumerate(looked, start=1):
                recordings.append(recording)
                sounds.append(sound)
                yield Progress(done / (len(new) + 1), f"Indexing {folder.name}: {done} of {len(new)} sounds")
                if done % _KEEP_EVERY == 0:
                    self._keep(key, self._index(folder, recordings, sounds, before))
        index = self._index(folder, recordings, sounds, before)
        self._keep(key, index)
        yield index

    def _look(self, folder: Path, path: Path, stamp: tuple[int, int]) -> tuple[Recording, np.ndarray]:
        """What is in one file, and its embedding (1024,); empty where nobody listens or it is broken."""
        name, nothing = path.relative_to(folder).as_posix(), np.zeros(0, np.float16)
        try:
            wave, rate_hz = read_wav(path)
            cuts = cut_recording(wave, rate_hz)
        except FoleyError as error:
            return Recording(name, stamp, broken=str(error)), nothing
        if not cuts:
            return Recording(name, stamp, broken=f"{path.name} is silent."), nothing
        words = names_of(path, folder)
        if self._hear is None:
            return Recording(name, stamp, cuts, words), nothing
        embedding, heard = self._hear(wave[round(cuts[0].start_s * rate_hz) :], rate_hz)
        return Recording(name, stamp, cuts, words, heard), embedding.astype(np.float16)

    def _index(
        self, folder: Path, recordings: Sequence[Recording], sounds: Sequence[np.ndarray], before: Index | None
    ) -> Index:
        """In the order of file names; only new names are embedded."""
        order = sorted(range(len(recordings)), key=lambda number: recordings[number].path)
        width = max((len(sound) for sound in sounds), default=0)
        table = np.zeros((len(sounds), width), np.float16)
        for row, number in enumerate(order):
            table[row, : len(sounds[number])] = sounds[number]
        recordings = tuple(recordings[number] for number in order)
        wordings = tuple(dict.fromkeys(name for one in recordings for name in (*one.words, *one.heard)))
        known = dict(zip(before.wordings, before.vectors, strict=True)) if before else {}
        unknown = [name for name in wordings if name not in known]
        known |= dict(zip(unknown, self._embed(unknown).astype(np.float16), strict=True))
        vectors = np.stack([known[name] for name in wordings]) if wordings else np.zeros((0, 0), np.float16)
        return Index(folder, recordings, table, wordings, vectors)

    def _kept(self, key: str, folder: Path) -> Index | None:
        found = self._cache.get("library", key, ".npz")
        try:
            return None if found is None else read_index(found, folder)
        except (OSError, ValueError, KeyError, TypeError):
            self._cache.drop("library", key, ".npz")
            return None

    def _keep(self, key: str, index: Index) -> None:
        self._cache.put("library", key, ".npz", lambda path: write_index(path, index))


def write_index(path: Path, index: Index) -> None:
    """Write an index without its folder, as .npz."""
    text = json.dumps({"recordings": [asdict(one) for one in index.recordings], "wordings": index.wordings})
    about = np.frombuffer(text.encode(), dtype=np.uint8)
    np.savez(path, about=about, sounds=index.sounds, vectors=index.vectors)


def read_index(path: Path, folder: Path) -> Index:
    """Inverse of `write_index`.

    Raises:
        OSError, ValueError, KeyError, TypeError: if the file is damaged.
    """
    with np.load(path) as stored:
        about = json.loads(stored["about"].tobytes())
        recordings = tuple(
            Recording(
                **{
                    **one,
                    "stamp": tuple(one["stamp"]),
                    "cuts": tuple(Cut(**cut) for cut in one["cuts"]),
                    "words": tuple(one["words"]),
                    "heard": tuple(one["heard"]),
                    "source": Source(**one["source"]),
                }
            )
            for one in about["recordings"]
        )
        return Index(folder, recordings, stored["sounds"], tuple(about["wordings"]), stored["vectors"])


def _sound_files(folder: Path) -> list[tuple[Path, tuple[int, int]]]:
    """Sound files below a folder with their stamps; hidden ones are left out."""
    if not folder.is_dir():
        raise FoleyError(f"There is no folder {folder} to take sounds from.")
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            stat = path.stat()
            found.append((path, (stat.st_size, stat.st_mtime_ns)))
    if len(found) > MOST_FILES:
        raise FoleyError(f"{folder} holds {len(found)} sounds; the limit is {MOST_FILES}. Choose a folder in it.")
    return found
