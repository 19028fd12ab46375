"""A page of generated sounds for eye and ear: captions of all kinds, two seeds each, marks where hits were asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rhythmic_foley.evaluation.experiments.sampling import Parts, Request, generate
from rhythmic_foley.evaluation.report.page import grid, heading, paragraph, sound_card, write_page
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

# Rhythms of hits, in seconds: slow, steady, irregular, dense at the end, two alone.
_SLOW = (0.6, 2.6, 4.6, 6.6)
_STEADY = (0.5, 1.25, 2.0, 2.75, 3.5, 4.25, 5.0, 5.75, 6.5, 7.25)
_UNEVEN = (0.4, 0.75, 1.9, 3.6, 3.9, 5.2, 6.9, 7.5)
_DENSE = (1.0, 3.0, 4.5, 5.5, 6.1, 6.5, 6.8, 7.0, 7.2)
_TWO = (1.5, 5.0)

# What is asked for; without onsets the temporal adapter is off, as for everything that goes on.
CAPTIONS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("hammering wood", _STEADY),
    ("axe chopping wood", _SLOW),
    ("pickaxe striking stone", _UNEVEN),
    ("footstep on gravel", _STEADY),
    ("footstep on snow", _UNEVEN),
    ("door closing", _TWO),
    ("glass breaking", _TWO),
    ("swords clashing", _UNEVEN),
    ("kick drum", _STEADY),
    ("snare drum", _DENSE),
    ("hi-hat cymbal", _STEADY),
    ("hand drum hit", _UNEVEN),
    ("piano note", _SLOW),
    ("gunshot", _TWO),
    ("explosion", _TWO),
    ("water drop", _UNEVEN),
    ("weapon swing whoosh", _SLOW),
    ("dog barking", _UNEVEN),
    ("rain falling", ()),
    ("wind blowing", ()),
    ("fire crackling and burning", ()),
    ("birds singing outdoors", ()),
    ("factory machinery", ()),
    ("water flowing", ()),
)
SEEDS = 2


def write_gallery(
    pipeline: RhythmicFoleyPipeline,
    folder: str | Path,
    *,
    seeds: int = SEEDS,
    steps: int | None = None,
    seed: int = 0,
    batch: int = 8,
    quick: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> Path:
    """Writes `index.html` into the folder, which is made if need be, and gives its path.

    Args:
        seed: the first of `seeds` for each caption.
        steps, batch, quick: as `generate` takes them.
    """
    cards: dict[str, list[str]] = {caption: [] for caption, _ in CAPTIONS}
    for heard, parts in ((True, Parts()), (False, Parts(temporal_scale=0.0))):
        chosen = [(caption, times_s) for caption, times_s in CAPTIONS if bool(times_s) == heard]
        requests = [
            Request((SoundEvent(caption),), Onsets.of(times_s), seed + number)
            for caption, times_s in chosen
            for number in range(seeds)
        ]
        sounds = generate(pipeline, requests, parts, steps=steps, batch=batch, quick=quick)
        for number, (request, sound) in enumerate(zip(requests, sounds, strict=True), 1):
            (event,), times_s = request.events, request.onsets.times_s
            note = f"seed {request.seed}"
            cards[event.label].append(
                sound_card(event.label, sound.wave, sound.sample_rate_hz, sound.mel, note=note, onsets_s=times_s)
            )
            progress(f"{'with' if heard else 'without'} onsets: {number} of {len(requests)}")
    lead = (
        "What the model makes of words and onsets alone. Blue marks: where a hit was asked for. A click on a picture "
        "plays from there. Look for real decays, silence where nothing sounds, no stripes, no hum."
    )
    hits, others = (
        [card for caption, times_s in CAPTIONS if bool(times_s) == heard for card in cards[caption]]
        for heard in (True, False)
    )
    parts = [paragraph(lead), heading("Hits"), grid(hits), heading("Sounds that go on"), grid(others)]
    return write_page(Path(folder) / "index.html", "Gallery of generated sounds", parts)
