"""The published Diff-Foley files as a checkpoint folder of ours: once, offline, and all or nothing."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import diffusers
import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.vocoder import GriffinLim
from rhythmic_foley.schedulers import UnroundedDPMSolver
from rhythmic_foley.weights.checkpoint import read_state
from rhythmic_foley.weights.diff_foley import PUBLISHED, Component, PublishedFile, Sizes, published_file
from rhythmic_foley.weights.registry import DIFF_FOLEY

ROLES = ("cavp", "ldm", "classifier")
PUBLISHED_DEFAULTS = {"default_steps": 25, "default_guidance_scale": 4.5}


@dataclass(frozen=True)
class Conversion:
    """What became of the files.

    Attributes:
        folder: the checkpoint.
        components: its parts.
        extra_keys: for each file by its role, parameters that were in it and not needed.
    """

    folder: Path
    components: tuple[str, ...]
    extra_keys: dict[str, tuple[str, ...]]


def convert_diff_foley(
    cavp: Path,
    ldm: Path,
    out: Path,
    classifier: Path | None = None,
    *,
    vocoder: Path | None = None,
    sizes: Sizes = PUBLISHED,
) -> Conversion:
    """Writes the checkpoint folder `out` from the published files.

    Args:
        cavp, ldm, classifier: the published files.
        out: the new folder.
        vocoder: folder of a vocoder for Diff-Foley's mel, as the embedded model has one; None for Griffin-Lim.
        sizes: of the networks.

    Raises:
        FoleyError: if a file is not what it should be, naming what is wrong, or `out` is taken; then nothing is
            left behind.
    """
    check_free(out)
    paths = {"cavp": cavp, "ldm": ldm, "classifier": classifier}
    # All files are looked at before any is written: names and shapes cost nothing, their tensors stay on disk.
    checked = {role: _check(path, role, sizes) for role, path in paths.items() if path is not None}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        folder = Path(scratch) / "checkpoint"
        folder.mkdir()
        for role, (file, state, _) in checked.items():
            for component in file.components:
                _write(component, state, folder, paths[role])
        UnroundedDPMSolver.published().save_pretrained(folder / "scheduler")
        if vocoder is None:
            GriffinLim().save_pretrained(folder / "vocoder")
        else:
            shutil.copytree(vocoder, folder / "vocoder")
        names = _write_index(folder)
        _write_card(folder, {role: path for role, path in paths.items() if path is not None})
        if out.is_dir():
            out.rmdir()
        os.replace(folder, out)
    return Conversion(out, names, {role: extra for role, (_, _, extra) in checked.items()})


def check_free(out: Path) -> None:
    """Raises a sentence if there is already something at `out`."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FoleyError(f"{out} is already there; remove it or give another folder with --out.")


def _check(path: Path, role: str, sizes: Sizes) -> tuple[PublishedFile, dict[str, torch.Tensor], tuple[str, ...]]:
    """The file's description, its tensors under their published names, and the names of those that are not needed."""
    # Some were saved from a wrapper for several GPUs, whose name stuck to the parameters.
    state = {key.replace("module.", ""): value for key, value in read_state(path).items()}
    file = published_file(role, sizes)
    expected = file.expected
    if not file.marks() & state.keys():
        raise FoleyError(_what_it_is(path, file, state, sizes))
    missing = [key for key in expected if key not in state]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FoleyError(f"{path} lacks {missing[0]}{more} of the {len(expected)} parameters of {file.what}.")
    for key, shape in expected.items():
        if tuple(state[key].shape) != shape:
            raise FoleyError(f"In {path}, {key} has the shape {tuple(state[key].shape)} instead of {shape}.")
        if not _is_plain(key, state[key]):
            raise FoleyError(f"In {path}, {key} is not stored as ordinary numbers; fetch the published file.")
    _check_schedule(path, state)
    known = expected.keys() | set(file.buffers)
    return file, state, tuple(key for key in state if key not in known)


def _is_plain(key: str, value: torch.Tensor) -> bool:
    """Whether it is an array of numbers that lies in the file, neither quantised nor sparse nor a mere shape."""
    counts = key.endswith("num_batches_tracked")
    right = value.dtype == torch.int64 if counts else value.is_floating_point()
    return right and value.layout == torch.strided and value.device.type == "cpu"


def _what_it_is(path: Path, file: PublishedFile, state: dict[str, torch.Tensor], sizes: Sizes) -> str:
    for role in ROLES:
        if role != file.role and (other := published_file(role, sizes)).marks() <= state.keys():
            return f"{path} holds {other.what}, not {file.what}: give it with --{role}."
    return f"{path} does not hold {file.what}: it has no {min(file.marks())}."


def _check_schedule(path: Path, state: dict[str, torch.Tensor]) -> None:
    """A file that stores another noise schedule was trained as another model."""
    stored = state.get("alphas_cumprod")
    ours = UnroundedDPMSolver.published().alphas_cumprod
    if stored is not None and not (stored.shape == ours.shape and torch.allclose(stored.float(), ours, rtol=1e-2)):
        raise FoleyError(f"{path} was trained with another noise schedule than Diff-Foley's.")


def _write(component: Component, state: dict[str, torch.Tensor], folder: Path, path: Path) -> None:
    """Saves one network. In float32, the way all of them were trained."""
    weights = {}
    for parameter in component.parameters:
        value = state[parameter.name].reshape(parameter.our_shape)
        if value.is_floating_point():
            value = value.float()
            if not value.isfinite().all():
                raise FoleyError(f"In {path}, {parameter.name} has values that are not numbers; fetch the file again.")
        weights[parameter.ours] = value
    component.network.load_state_dict(weights, assign=True)
    # In files so small that a loader which holds one beside the network needs little more memory than the network.
    component.network.save_pretrained(folder / component.name, max_shard_size="1GB")


def _write_index(folder: Path) -> tuple[str, ...]:
    """model_index.json, by which diffusers knows the parts of a pipeline."""
    index: dict[str, object] = {
        "_class_name": "RhythmicFoleyPipeline",
        "_diffusers_version": diffusers.__version__,
        **PUBLISHED_DEFAULTS,
    }
    names = tuple(sorted(part.name for part in folder.iterdir()))
    for name in names:
        config = next((folder / name).glob("*config.json"))
        class_name = json.loads(config.read_text(encoding="utf-8"))["_class_name"]
        index[name] = [_library(class_name), class_name]
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return names


def _library(class_name: str) -> str:
    ours = {
        "Cavp": "models.cavp",
        "CondStage": "models.cond_stage",
        "AlignmentClassifier": "models.alignment_classifier",
        "GriffinLim": "models.vocoder",
        "FoleyVocoder": "models.vocoder",
        "UnroundedDPMSolver": "schedulers",
    }
    return f"rhythmic_foley.{ours[class_name]}" if class_name in ours else "diffusers"


def _write_card(folder: Path, files: dict[str, Path]) -> None:
    names = ", ".join(path.name for path in files.values())
    text = f"# Diff-Foley\n\nConverted from {names} ({DIFF_FOLEY.page}). {DIFF_FOLEY.licence}\n"
    (folder / "README.md").write_text(text, encoding="utf-8")
