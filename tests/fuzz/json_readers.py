"""Feeds the readers of settings, onsets and sounds with whatever atheris thinks up.

    pip install atheris
    python tests/fuzz/json_readers.py -max_total_time=300

Whatever a reader is given, it must answer with a value or a FoleyError, and what it has read it must be able to write.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]


def seeds() -> list[str]:
    """Good texts, and some that other programs have stumbled over."""
    from rhythmic_foley.values.controls import Controls, Fix
    from rhythmic_foley.values.events import SoundEvent, events_to_json
    from rhythmic_foley.values.onsets import Onsets

    events = (SoundEvent("dog barking", "small, close", 0.5, 2.0, 0.8), SoundEvent("rain"))
    onsets = Onsets.of([0.25, 1.5], [1.0, 0.5])
    controls = Controls(
        events, onsets, "text", "music", seed=3, range_s=(0.5, 2.0), fix=Fix(Path("a"), 0.5, 1.0), reference=Path("b")
    )
    good = [onsets.to_json(), onsets.format(strengths=True), events_to_json(events), "0.0-2.5 dog (small)\n3- rain"]
    deep = ["[" * 100_000, '{"events":' * 100_000, '{"onsets": ' + "[" * 100_000 + "]" * 100_000 + "}"]
    numbers = [f'{{"times_s": [{number}]}}' for number in ("1e999", "NaN", "-1", "1" * 400, "1" * 5000, "true", '"1"')]
    spans = [f'[{{"label": "x", "end_s": {number}}}]' for number in ("1e308", "1e999", "null", "[]", "0")]
    halves = ['[{"label": "\\ud800"}]', '{"text": "\\udfff"}', '{"range_s": [1]}', '{"steps": true}', '{"fix": {}}']
    long = ["9" * 5000 + ":1", "-" * 5000, "a" + " " * 20_000 + "("]
    return [*good, controls.to_json(), *long, *numbers, *spans, *halves, *deep]


def read_all(text: str) -> None:
    """Every reader once; raises whatever is not meant for people."""
    from rhythmic_foley.errors import FoleyError
    from rhythmic_foley.values.controls import Controls
    from rhythmic_foley.values.events import event_track, events_from_json, events_to_json, format_events, parse_events
    from rhythmic_foley.values.onsets import Onsets
    from rhythmic_foley.values.seeds import read_seed

    def onsets(text: str) -> None:
        read = Onsets.from_json(text)
        assert Onsets.from_json(read.to_json()) == read
        read.to_mask(100, 62.5), read.format(strengths=True)

    def typed_onsets(text: str) -> None:
        read = Onsets.parse(text)
        Onsets.parse(read.format(strengths=True))

    def events(text: str) -> None:
        read = events_from_json(text)
        assert events_from_json(events_to_json(read)) == read
        event_track(read, 100, 62.5), format_events(read)

    def typed_events(text: str) -> None:
        event_track(parse_events(text), 100, 62.5)

    def settings(text: str) -> None:
        read = Controls.from_json(text)
        assert Controls.from_json(read.to_json()) == read
        read.to_json().encode("utf-8")

    for reader in (onsets, typed_onsets, events, typed_events, settings, read_seed):
        try:
            reader(text)
        except FoleyError as error:
            assert "\n" not in str(error) and len(str(error)) < 300


def main() -> None:
    """Runs until atheris has had enough."""
    import atheris

    with atheris.instrument_imports(include=["rhythmic_foley"]):
        import rhythmic_foley.values.controls  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(seeds()):
            Path(folder, str(number)).write_text(text, encoding="utf-8")
        atheris.Setup([*sys.argv, folder], lambda data: read_all(data.decode("utf-8", "replace")))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
