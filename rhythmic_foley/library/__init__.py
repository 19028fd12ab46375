"""A library of sounds: a person's own folders and the bank, found by words and laid at onsets."""

from typing import TYPE_CHECKING

from rhythmic_foley.lazy import lazy_face

if TYPE_CHECKING:
    from rhythmic_foley.library.index import Index as Index
    from rhythmic_foley.library.opening import LibraryOpener as LibraryOpener
    from rhythmic_foley.library.sample import Found as Found
    from rhythmic_foley.library.sample import Sample as Sample
    from rhythmic_foley.library.shelf import SoundLibrary as SoundLibrary

__getattr__ = lazy_face(
    __name__,
    {"Index": "index", "LibraryOpener": "opening", "Found": "sample", "Sample": "sample", "SoundLibrary": "shelf"},
)
