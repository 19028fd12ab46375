"""Makes the takes that the page shows of the examples: python examples/render_takes.py

They lie in `takes/CLIP/`. Run it again after the embedded model has changed, and commit what it wrote.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rhythmic_foley.studio.studio import Studio  # noqa: E402
from rhythmic_foley.studio.takes import rename_take  # noqa: E402
from rhythmic_foley.ui.samples import examples, pack  # noqa: E402
from rhythmic_foley.values.controls import Controls  # noqa: E402
from rhythmic_foley.values.events import events_from_json  # noqa: E402
from rhythmic_foley.values.onsets import Onsets  # noqa: E402
from rhythmic_foley.values.results import Take  # noqa: E402

SEED = 7
# The contacts are known, and some are soft or close together; see "Measured" in the card of the model.
TEMPORAL_SCALE = 1.5


def main() -> None:
    """Dub every example from what is known of it: its contacts and what sounds."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--model", default="mini", help="name or folder of a checkpoint")
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--temporal-scale", type=float, default=TEMPORAL_SCALE)
    options.add_argument("--out", type=Path, default=HERE / "takes")
    options.add_argument("--only", help="name of one example")
    asked = options.parse_args()
    studio = Studio(asked.model)
    for clip in examples():
        if asked.only not in (None, clip.stem):
            continue
        began_s = time.perf_counter()
        known = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
        controls = Controls(
            events=events_from_json(json.dumps(known["events"])),
            onsets=Onsets.of(known["onsets_s"], known["strengths"]),
            temporal_scale=asked.temporal_scale,
            seed=asked.seed,
        )
        *_, analysis = studio.analyse(clip, describe=False, find_onsets=False)
        with tempfile.TemporaryDirectory() as folder:
            *_, take = studio.dub(analysis, controls, Path(folder))
            assert isinstance(take, Take)
            pack(rename_take(take, "Take 1"), asked.out / clip.stem)
        match = take.measured
        took_s = time.perf_counter() - began_s
        print(f"{clip.stem}: {match.hits} of {match.wanted} hits, {match.found} heard, {took_s:.1f} s")


if __name__ == "__main__":
    main()
