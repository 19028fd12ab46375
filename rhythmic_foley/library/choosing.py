"""Choose the samples for an event: those of one shelf whose names are near to what is asked."""

from __future__ import annotations

from rhythmic_foley.library.sample import Found
from rhythmic_foley.library.shelf import SoundLibrary

# Measured on the describer's labels: from 0.72 on nearly every nearest name of the bank is the thing itself.
BANK_THRESHOLD = 0.72
# Who names a folder of sounds wants them used; a name such as "door 3" is short.
OWN_THRESHOLD = 0.5
_MARGIN = 0.06  # names so much farther than the nearest still count as the same thing
_MOST = 32  # recordings in turn


def choose_samples(
    library: SoundLibrary, label: str, detail: str = "", *, any_match: bool = False
) -> tuple[Found, ...]:
    """The samples for an event, nearest first, all hits or all stretches; none if nothing is near enough.

    A person's own shelf is taken before the bank.

    Args:
        any_match: whether the nearest is taken however far it is.
    """
    texts = [label, f"{label}, {detail}"] if detail else [label]
    query = library.embed(texts)
    best: tuple[Found, ...] = ()
    for shelf in library.shelves:
        threshold = BANK_THRESHOLD if shelf is library.bank else OWN_THRESHOLD
        similarity = shelf.by_words(query)
        if not len(similarity):
            continue
        nearest = float(similarity.max())
        found = shelf.found(similarity, max(nearest - _MARGIN, -0.99), _MOST)
        same = tuple(one for one in found if one.sample.cut.use == found[0].sample.cut.use)
        if nearest >= threshold:
            return same
        if any_match and same and (not best or same[0].similarity > best[0].similarity):
            best = same
    return best
