"""Make the starter bank of the sampler again: `scripts/make_bank.py DATA`.

DATA is a folder of recordings with a `sounds.csv` that says id, file, split, package and path of each. Which of them
are taken, what they are called, their licences and authors stand in `bank_choice.csv` beside this script; authors and
licences were read in the packages themselves. Recordings for evaluation are refused.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rhythmic_foley.audio.wav import read_wav  # noqa: E402
from rhythmic_foley.errors import FoleyError  # noqa: E402
from rhythmic_foley.library import bank  # noqa: E402
from rhythmic_foley.library.hearing import Ear  # noqa: E402
from rhythmic_foley.library.words import WordEmbedder  # noqa: E402

CHOICE = Path(__file__).with_name("bank_choice.csv")
PERMISSIVE = {"CC0-1.0", "public domain", "MIT", "BSD-3-Clause", "CC-BY-3.0"}
FIELDS = ("file", "words", "kind", "use", "licence", "author", "package", "path")


def main() -> None:
    """Copy or encode the chosen recordings, write the table of sources and the index."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=Path, default=bank.FOLDER, help="(%(default)s)")
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints" / "mini", help="(%(default)s)")
    args = parser.parse_args()
    with open(args.data / "sounds.csv", newline="", encoding="utf-8") as file:
        known = {row["id"]: row for row in csv.DictReader(file)}
    args.out.mkdir(parents=True, exist_ok=True)
    for old in args.out.glob("*.ogg"):
        old.unlink()
    with open(args.out / bank.TABLE, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        for name, choice in chosen():
            row = known[name]
            if row["split"] != "train" or choice["licence"] not in PERMISSIVE:
                raise FoleyError(f"{name} must not be in the bank: {row['split']}, {choice['licence']}.")
            encode(args.data / row["file"], args.out / f"{name}.ogg")
            facts = {"file": f"{name}.ogg", "package": row["package"], "path": row["path"]}
            table.writerow({**{field: choice[field] for field in FIELDS if field in choice}, **facts})
    index = bank.make_index(args.out, WordEmbedder(args.checkpoint), Ear(args.checkpoint))
    size = sum(path.stat().st_size for path in args.out.iterdir()) / 1e6
    print(f"{len(index.recordings)} recordings, {size:.1f} MB")


def chosen() -> Iterator[tuple[str, dict[str, str]]]:
    """Ids of recordings with the row that chose them; "door_00010-00012" stands for three."""
    with open(CHOICE, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            prefix, numbers = row["ids"].rsplit("_", 1)
            first, _, last = numbers.partition("-")
            for number in range(int(first), int(last or first) + 1):
                yield f"{prefix}_{number:05d}", row


def encode(recording: Path, out: Path) -> None:
    """An Ogg is copied; anything else is encoded as Ogg Vorbis at its own rate."""
    if recording.suffix == ".ogg":
        shutil.copyfile(recording, out)
        return
    import soundfile

    wave, rate_hz = read_wav(recording)
    soundfile.write(out, wave, rate_hz, format="OGG", subtype="VORBIS")


if __name__ == "__main__":
    main()
