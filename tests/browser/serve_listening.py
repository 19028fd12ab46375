"""A small listening test: python serve_listening.py PORT FOLDER. Two clips, one with its own sound, two methods."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]


def make_test(folder: Path) -> None:
    """Clips of 1.2 s and sounds for them."""
    from clips import make_clip

    from rhythmic_foley.audio.wav import write_wav

    (folder / "clips").mkdir(parents=True)
    times_s = np.arange(19_200) / 16_000
    for name, clicks in (("dog", (0.3, 0.8)), ("car", ())):
        make_clip(
            folder / "clips" / f"{name}.mp4", 1.2, 25, (320, 240), click_times_s=clicks, contact_times_s=(0.3, 0.8)
        )
        for method, hz in (("secret_method", 440), ("other_method", 1500)):
            write_wav(folder / "methods" / method / f"{name}.wav", 0.3 * np.sin(2 * np.pi * hz * times_s), 16_000)


def main(port: int, folder: Path) -> None:
    """Serve until killed."""
    from rhythmic_foley.evaluation.listening.blind_test import open_test
    from rhythmic_foley.ui.listening import launch_listening

    if not (folder / "test").exists():
        make_test(folder / "test")
    with open_test(folder / "test") as test:
        launch_listening(test, server_name="127.0.0.1", server_port=port)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
