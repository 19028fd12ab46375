"""One small take whose numbers are known. `python tests/golden.py` writes them anew, after a change that is meant."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden_take.json"
if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("RHYTHMIC_FOLEY_RUNNING", "float32")


def golden_take(folder: Path) -> dict[str, list[float]]:
    """The whole way from a clip to a take, on a toy model whose weights are drawn from their names.

    Returns:
        Some of the latent's numbers, some samples, and the level of each 20 ms, as they lie on disk.
    """
    import soundfile
    import torch
    from clips import make_clip
    from toy import toy_pipeline
    from weights.fill import fill_array

    from rhythmic_foley.runtime.cache import Cache
    from rhythmic_foley.studio.studio import Controls, Studio, Take
    from rhythmic_foley.values.events import SoundEvent
    from rhythmic_foley.values.onsets import Onsets

    pipeline = toy_pipeline()
    with torch.no_grad():
        for component, network in pipeline.components.items():
            if isinstance(network, torch.nn.Module):
                for name, parameter in network.named_parameters():
                    drawn = fill_array(f"{component}/{name}", tuple(parameter.shape))
                    parameter.copy_(torch.from_numpy(drawn))
    pipeline.save_pretrained(folder / "toy")
    studio = Studio(folder / "toy", cache=Cache(folder / "cache"))
    *_, analysis = studio.analyse(make_clip(folder / "clip.mp4"), describe=False, find_onsets=False)
    events = (SoundEvent("dog barking", "small", 0.2), SoundEvent("rain"))
    controls = Controls(events, Onsets.of([0.25, 0.7], [1.0, 0.6]), seed=7, steps=3)
    (take,) = (item for item in studio.dub(analysis, controls, folder / "out") if isinstance(item, Take))
    wave, rate_hz = soundfile.read(take.wav)
    with np.load(take.sound) as sound:
        latents = sound["latents"].ravel()
    levels = np.sqrt(np.square(wave[: len(wave) // 320 * 320]).reshape(-1, 320).mean(axis=1))
    numbers = {"latents": latents[:: len(latents) // 64], "samples": wave[:: len(wave) // 64], "levels": levels}
    return {name: [round(float(value), 6) for value in values] for name, values in numbers.items()}


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        GOLDEN.write_text(json.dumps(golden_take(Path(place)), indent=1) + "\n", encoding="utf-8")
