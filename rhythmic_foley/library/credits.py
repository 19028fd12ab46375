"""Say whom a sound that was made of samples is owed to."""

from __future__ import annotations

from collections.abc import Iterable

from rhythmic_foley.library.sample import Sample, Source

_LINKS = {
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
}
_HEAD = "Samples in this sound, cut, varied and mixed by Rhythmic Foley."


def must_be_credited(source: Source) -> bool:
    """Whether whoever publishes a sound with this recording in it has to name its author."""
    return source.licence.startswith("CC-BY")


def credits_note(samples: Iterable[Sample]) -> str:
    """One line for the person: who must be credited, if anyone."""
    used = list(dict.fromkeys(samples))
    owed = list(dict.fromkeys(one.source.author for one in used if must_be_credited(one.source)))
    if owed:
        return f"Credit {', '.join(owed)} where you publish this (CC-BY); credits.txt has the lines."
    own = any(not one.source.licence for one in used)
    return "No sample in this take has to be credited" + (", as far as your own sounds are yours." if own else ".")


def credits_text(samples: Iterable[Sample]) -> str:
    """The content of credits.txt: what must be credited first, then the rest, a line for each recording."""
    recordings = list({one.path: one for one in samples}.values())
    owed = [_line(one) for one in recordings if must_be_credited(one.source)]
    free = [_line(one) for one in recordings if not must_be_credited(one.source)]
    parts = [_HEAD]
    if owed:
        parts += ["", "To be credited where this is published:", *owed]
    if free:
        parts += ["", "No credit needed:", *free]
    return "\n".join(parts) + "\n"


def _line(sample: Sample) -> str:
    source = sample.source
    if not source.licence:
        return f"- {sample.path.name}, your own recording"
    terms = " ".join(filter(None, (source.licence, _LINKS.get(source.licence, ""))))
    by = f" by {source.author}" if source.author else ""
    return f'- "{sample.name}"{by}, {terms}, from {source.package} ({source.path})'
