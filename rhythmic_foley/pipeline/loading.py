"""Where checkpoints lie, and the pipeline loaded from one."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.checksums import check_sums, digests

if TYPE_CHECKING:
    from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
    from rhythmic_foley.runtime.cache import Cache

EMBEDDED = "mini"
INDEX = "model_index.json"
PRECISIONS = ("float32", "float16", "bfloat16")
_WINDOWS_ON_A_GPU = 8  # together; what does not fit is calculated in parts
_SWITCHES = {"unbatched": {"batched": False}, "offload": {"offload": True}, "compile": {"compiled": True}}


@dataclass(frozen=True)
class Running:
    """How a model is run.

    Attributes:
        precision: of the networks that run at every step: float32, float16 or bfloat16; None for float16 on a GPU and
            float32 on a CPU. Some CPUs multiply bfloat16 several times faster; `running_here` finds out.
        batched: both halves of the guidance in one call, which is faster and takes more memory.
        offload: only what is at work is on the GPU.
        compiled: the networks of a step are compiled when they are first run.
    """

    precision: str | None = None
    batched: bool = True
    offload: bool = False
    compiled: bool = False

    @classmethod
    def parse(cls, text: str) -> Running:
        """From words with commas between them, such as "bfloat16, compile"; none of them leaves everything as it is.

        Raises:
            FoleyError: if a word is unknown.
        """
        running = cls()
        for word in text.replace(",", " ").split():
            if word in PRECISIONS:
                running = replace(running, precision=word)
            elif word in _SWITCHES:
                running = replace(running, **_SWITCHES[word])
            else:
                known = ", ".join((*PRECISIONS, *_SWITCHES))
                raise FoleyError(f'A model cannot be run as "{word}"; RHYTHMIC_FOLEY_RUNNING takes {known}.')
        return running


def running_here(device: str | None, cache: Cache) -> Running:
    """How a model is run for a person on this machine: as RHYTHMIC_FOLEY_RUNNING says, and else as fast as it can.

    Evaluations do not ask this: their numbers must not depend on the machine.
    """
    import torch

    from rhythmic_foley.pipeline.precision import cpu_precision

    running = Running.parse(os.environ.get("RHYTHMIC_FOLEY_RUNNING", ""))
    on_cpu = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")).type == "cpu"
    if running.precision is None and on_cpu:
        return replace(running, precision=cpu_precision(cache))
    return running


def find_checkpoint(model: str | Path) -> Path:
    """The folder of a checkpoint: one given by path, or one by name under the folder that RHYTHMIC_FOLEY_CHECKPOINTS
    names or under `checkpoints/` of the repository.

    Raises:
        FoleyError: if there is none.
    """
    for folder in (Path(model), *(root / model for root in roots())):
        if (folder / INDEX).is_file():
            return folder
    if str(model) == "diff-foley":
        raise FoleyError(
            "The model diff-foley is not here yet: `rhythmic-foley download diff-foley` fetches it, and "
            "`rhythmic-foley convert diff-foley` makes it from files you have."
        )
    raise FoleyError(
        f'There is no model "{model}": give {", ".join(available())}, or a folder with a model_index.json; '
        "RHYTHMIC_FOLEY_CHECKPOINTS names the folder in which models are looked for."
    )


def available() -> tuple[str, ...]:
    """Names of the checkpoints that are here, the embedded model first."""
    names = {path.parent.name for root in roots() for path in root.glob(f"*/{INDEX}")}
    return tuple(sorted(names, key=lambda name: (name != EMBEDDED, name)))


def roots() -> list[Path]:
    """Where models are looked for: the folder that RHYTHMIC_FOLEY_CHECKPOINTS names, then the shipped one."""
    named = os.environ.get("RHYTHMIC_FOLEY_CHECKPOINTS")
    return [Path(named), shipped_checkpoints()] if named else [shipped_checkpoints()]


def shipped_checkpoints() -> Path:
    """`checkpoints/` of the checkout, or the folder that an installed wheel has put below `share/`."""
    here = Path(__file__).resolve().parents
    beside = here[2] / "checkpoints"
    installed = (folder / "share" / "rhythmic-foley" / "checkpoints" for folder in here[2:])
    return next((folder for folder in (beside, *installed) if folder.is_dir()), beside)


def load_pipeline(folder: Path, device: str | None = None, running: Running | None = None) -> RhythmicFoleyPipeline:
    """Loads a checkpoint onto the device, by default the GPU if there is one.

    Args:
        running: how it is run; by default as RHYTHMIC_FOLEY_RUNNING says.

    Raises:
        FoleyError: if a file is missing, damaged or not as shipped, or the device cannot run it that way.
    """
    import diffusers
    import torch
    import transformers

    from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline

    # One progress bar at a time: ours.
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    running = running or Running.parse(os.environ.get("RHYTHMIC_FOLEY_RUNNING", ""))
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = torch.device(device).type == "cuda"
    if running.offload and not on_gpu:
        raise FoleyError("Only a model that runs on a GPU can be offloaded to the CPU; leave offload out.")
    check_sums(folder)
    try:
        pipeline = RhythmicFoleyPipeline.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
    except Exception as error:  # safetensors, json and the libraries each raise their own kinds
        raise FoleyError(f"The model in {folder} is damaged or incomplete ({error}); fetch it again.") from error
    _take_over(pipeline)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.rows_at_once = None if running.batched else 1
    pipeline.windows_at_once = _WINDOWS_ON_A_GPU if on_gpu else 1
    precision = running.precision or ("float16" if on_gpu else "float32")
    pipeline.run_steps_in(getattr(torch, precision), compiled=running.compiled)
    if running.offload:
        pipeline.enable_model_cpu_offload(device=device)
        return pipeline
    return pipeline.to(device)


def _take_over(pipeline: RhythmicFoleyPipeline) -> None:
    """Copies the weights into memory of our own: loaded ones are a view of the file, and change or crash with it."""
    from torch import nn

    for network in pipeline.components.values():
        if isinstance(network, nn.Module):
            for tensor in (*network.parameters(), *network.buffers()):
                tensor.data = tensor.data.clone()


def stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of the files that `revision` reads: a quick look at whether any was changed."""
    found = ((path, path.stat()) for path in _files(folder))
    return tuple((path.name, stat.st_size, stat.st_mtime_ns) for path, stat in found)


def revision(folder: Path) -> str:
    """Digest of a checkpoint's weights and configurations: 16 hex digits that change when any of them does."""
    digest = hashlib.sha256()
    for name, sha256 in digests(folder).items():
        if name.endswith((".safetensors", ".json")):
            digest.update(name.encode())
            digest.update(bytes.fromhex(sha256))
    return digest.hexdigest()[:16]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".safetensors", ".json"))
