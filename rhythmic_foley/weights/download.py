"""Fetches published weights from the Hugging Face hub; a broken download goes on where it stopped."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import errors

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.weights.registry import WeightFile, WeightSet


@dataclass(frozen=True)
class Offer:
    """What the hub says about a set of weights before anything is fetched.

    Attributes:
        sizes_bytes: by role; from the registry where the hub did not answer.
        digests: sha256 by role, of those that the registry or the hub knows.
        licence: as the hub's page states it, None if it does not or cannot be asked.
        revision: the state of the repository that all this is about.
    """

    weights: WeightSet
    sizes_bytes: dict[str, int]
    digests: dict[str, str]
    licence: str | None
    revision: str | None

    def lines(self) -> list[str]:
        """For a person to read before the download starts."""
        stated = f'The page states the licence "{self.licence}". ' if self.licence else ""
        total = sum(self.sizes_bytes.values())
        files = [
            f"  {file.path} ({self.sizes_bytes[file.role] / 1e9:.2f} GB): {file.about}" for file in self.weights.files
        ]
        return [f"{self.weights.page}, {total / 1e9:.1f} GB:", *files, f"{stated}{self.weights.licence}"]


def ask(weights: WeightSet) -> Offer:
    """Asks the hub for sizes, digests and licence; falls back on what the registry knows when it does not answer."""
    sizes = {file.role: file.size_bytes for file in weights.files}
    digests = {file.role: file.sha256 for file in weights.files if file.sha256}
    try:
        info = huggingface_hub.HfApi().model_info(weights.repository, files_metadata=True)
    except Exception:  # whatever is wrong, the download itself will say it
        return Offer(weights, sizes, digests, licence=None, revision=None)
    found = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    if weights.endings:
        weights = replace(weights, files=_listed(weights, found))
        sizes = {file.role: file.size_bytes for file in weights.files}
    for file in weights.files:
        if sibling := found.get(file.path):
            sizes[file.role] = sibling.size or file.size_bytes
            if sibling.lfs:
                digests.setdefault(file.role, sibling.lfs["sha256"])
    licence = getattr(info.card_data, "license", None)
    return Offer(weights, sizes, digests, licence, info.sha)


def fetch(offer: Offer, say: Callable[[str], None] = lambda _: None, folder: Path | None = None) -> dict[str, Path]:
    """Downloads and verifies every file.

    Args:
        say: is told each file's name.
        folder: where they go under their own names; the hub's cache if there is none.

    Returns:
        Where each lies, by role.

    Raises:
        FoleyError: if the hub cannot be reached, does not have a file, or one arrived damaged.
    """
    paths: dict[str, Path] = {}
    for file in offer.weights.files:
        say(f"Fetching {file.path}.")
        try:
            paths[file.role] = _fetch_one(offer, file, folder)
        except errors.EntryNotFoundError as error:
            if isinstance(error, errors.LocalEntryNotFoundError) or not file.optional:
                raise _sentence(offer, file, error) from error
            say(f"{file.path} is not there any more; it is optional and left out.")
        except FoleyError:
            raise
        except Exception as error:  # the hub's client lets its network library's errors through
            raise _sentence(offer, file, error) from error
    return paths


def check_room(offer: Offer, folder: Path) -> None:
    """Raises a sentence if what is made of the files, about as large as they, does not fit where `folder` will be."""
    while not folder.exists():
        folder = folder.parent
    needed, free = sum(offer.sizes_bytes.values()), shutil.disk_usage(folder).free
    if free < needed:
        raise FoleyError(
            f"{folder} has {free / 1e9:.1f} GB left and {needed / 1e9:.1f} GB are needed; make room first."
        )


def _listed(weights: WeightSet, found: dict[str, Any]) -> tuple[WeightFile, ...]:
    """The files that the hub lists of a repository used as published.

    Its config.json comes last, by which a folder that is not complete yet is known.
    """
    paths = [path for path in found if path.endswith(weights.endings)]
    if any(path.endswith(".safetensors") for path in paths):  # the same weights are often there twice
        paths = [path for path in paths if not path.endswith((".bin", ".bin.index.json"))]
    known = {file.path: file for file in weights.files}
    files = [known.get(path) or WeightFile(path, path, "as published", 0) for path in sorted(paths)]
    return tuple(sorted(files, key=lambda file: file.path == "config.json")) or weights.files


def _fetch_one(offer: Offer, file: WeightFile, folder: Path | None) -> Path:
    repository = offer.weights.repository
    where = {} if folder is None else {"local_dir": folder}
    path = Path(huggingface_hub.hf_hub_download(repository, file.path, revision=offer.revision, **where))
    expected = offer.digests.get(file.role)
    if expected is not None:
        with open(path, "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != expected:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise FoleyError(f"{file.path} arrived damaged, or is another file than the known one; fetch it again.")
    return path


def _sentence(offer: Offer, file: WeightFile, error: Exception) -> FoleyError:
    page = offer.weights.page
    if isinstance(error, errors.GatedRepoError):
        return FoleyError(f"{page} wants you to ask for access first; do that there, run `hf auth login`, try again.")
    if isinstance(error, errors.RepositoryNotFoundError | errors.RemoteEntryNotFoundError):
        return FoleyError(f"{page} no longer has {file.path}; {offer.weights.otherwise}.")
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        return FoleyError(f"{page} cannot be reached; go online, or {offer.weights.otherwise}.")
    return FoleyError(
        f"The download of {file.path} broke off ({error or type(error).__name__}); "
        "run the command again, it goes on from there."
    )
