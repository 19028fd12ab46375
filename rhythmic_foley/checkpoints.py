"""Where checkpoints lie, and the pipeline loaded from one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    from rhythmic_foley.pipeline import RhythmicFoleyPipeline


def find_checkpoint(model: str | Path) -> Path:
    """The folder of a checkpoint: one given by path, or one by name under `checkpoints/` of the repository or under
    the folder that RHYTHMIC_FOLEY_CHECKPOINTS names.

    Raises:
        FoleyError: if there is none.
    """
    root = os.environ.get("RHYTHMIC_FOLEY_CHECKPOINTS")
    roots = [Path(root)] if root else [Path(__file__).resolve().parent.parent / "checkpoints"]
    for folder in (Path(model), *(r / model for r in roots)):
        if (folder / "model_index.json").is_file():
            return folder
    raise FoleyError(
        f'There is no model "{model}": give mini, or a folder with a model_index.json; '
        "RHYTHMIC_FOLEY_CHECKPOINTS names the folder in which models are looked for."
    )


def load_pipeline(folder: Path, device: str | None = None) -> RhythmicFoleyPipeline:
    """Loads a checkpoint in float32 onto the device, by default the GPU if there is one.

    Raises:
        FoleyError: if a file is missing or damaged.
    """
    import torch

    from rhythmic_foley.pipeline import RhythmicFoleyPipeline

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        pipeline = RhythmicFoleyPipeline.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    except Exception as error:  # safetensors, json and the libraries each raise their own kinds
        raise FoleyError(f"The model in {folder} is damaged or incomplete ({error}); fetch it again.") from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def revision(folder: Path) -> str:
    """Digest of a checkpoint's weights and configurations: 16 hex digits that change when any of them does."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".safetensors", ".json")):
        digest.update(path.relative_to(folder).as_posix().encode())
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
