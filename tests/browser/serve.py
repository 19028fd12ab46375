"""The real app for the browser tests: python serve.py PORT FOLDER. Uses the embedded model once it is complete."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]


def main(port: int, folder: Path) -> None:
    """Serve until killed; without the embedded model, on networks of toy size."""
    from rhythmic_foley.studio import Studio
    from rhythmic_foley.ui import launch

    model: str | Path = "mini"
    if not (TESTS.parent / "checkpoints" / "mini" / "model_index.json").is_file():
        from toy import save_toy_checkpoint

        model = save_toy_checkpoint(folder / "toy")
    launch(Studio(model), server_name="127.0.0.1", server_port=port)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
