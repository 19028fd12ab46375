"""Fetching from the hub, with a hub of our own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import errors

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.weights import download
from rhythmic_foley.weights.registry import DIFF_FOLEY, MINI_GEMINI, WeightFile, WeightSet

WEIGHTS = WeightSet(
    name="toy",
    repository="someone/toy",
    licence="Read the page.",
    files=(
        WeightFile("cavp", "folder/cavp.ckpt", "encoders", 1_000_000_000),
        WeightFile("classifier", "folder/classifier.ckpt", "classifier", 2_000_000_000, optional=True),
    ),
)


class Hub:
    """Answers as the hub's client does. `failure` is raised instead of handing out a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.failure, self.online, self.asked = folder, {}, True, []
        self.published = [file.path for file in WEIGHTS.files]

    def model_info(self, repository: str, files_metadata: bool) -> SimpleNamespace:
        if not self.online:
            raise ConnectionError("no route to host")
        siblings = [
            SimpleNamespace(rfilename=path, size=5_000_000_000, lfs={"sha256": self.digest(path)})
            for path in self.published
        ]
        return SimpleNamespace(siblings=siblings, card_data=SimpleNamespace(license="apache-2.0"), sha="abc")

    def digest(self, path: str) -> str:
        return hashlib.sha256(path.encode()).hexdigest()

    def hf_hub_download(self, repository: str, path: str, revision: str | None, local_dir: Path | None = None) -> str:
        self.asked.append((repository, path, revision))
        if path in self.failure:
            raise self.failure[path]
        target = (local_dir or self.folder) / Path(path).name
        target.write_bytes(path.encode())
        return str(target)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(tmp_path)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.hf_hub_download)
    return hub


def http_error(kind: type[errors.HfHubHTTPError]) -> errors.HfHubHTTPError:
    error = kind.__new__(kind)
    Exception.__init__(error, "404")
    return error


def test_size_and_licence_are_said_before(hub: Hub) -> None:
    lines = download.ask(WEIGHTS).lines()
    assert "10.0 GB" in lines[0] and "someone/toy" in lines[0]
    assert "folder/cavp.ckpt (5.00 GB): encoders" in lines[1]
    assert 'the licence "apache-2.0"' in lines[-1] and "Read the page." in lines[-1]
    assert hub.asked == []


def test_files_are_fetched_and_verified(hub: Hub) -> None:
    said: list[str] = []
    paths = download.fetch(download.ask(WEIGHTS), said.append)
    assert paths["cavp"].read_bytes() == b"folder/cavp.ckpt"
    assert hub.asked == [("someone/toy", file.path, "abc") for file in WEIGHTS.files]
    assert said[0] == "Fetching folder/cavp.ckpt."


def test_damaged_file_is_dropped(hub: Hub) -> None:
    offer = download.ask(WEIGHTS)
    with pytest.raises(FoleyError, match=r"cavp.ckpt arrived damaged"):
        download.fetch(replace(offer, digests={"cavp": "0" * 64}))
    assert not (hub.folder / "cavp.ckpt").exists()


def test_offline(hub: Hub) -> None:
    """Without an answer from the hub the registry's sizes are shown; the download says what is wrong."""
    hub.online = False
    hub.failure = {file.path: errors.LocalEntryNotFoundError("offline") for file in WEIGHTS.files}
    offer = download.ask(WEIGHTS)
    assert "3.0 GB" in offer.lines()[0] and offer.revision is None
    with pytest.raises(FoleyError, match="cannot be reached; go online, or use the command convert"):
        download.fetch(offer)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (http_error(errors.RepositoryNotFoundError), "no longer has folder/cavp.ckpt"),
        (http_error(errors.GatedRepoError), "ask for access"),
        (TimeoutError("read timed out"), r"broke off \(read timed out\); run the command again"),
        (OSError(28, "No space left on device"), "No space left"),
    ],
    ids=["gone", "gated", "timeout", "full"],
)
def test_failures_are_sentences(hub: Hub, error: Exception, sentence: str) -> None:
    hub.failure = {"folder/cavp.ckpt": error}
    with pytest.raises(FoleyError, match=sentence) as raised:
        download.fetch(download.ask(WEIGHTS))
    assert "\n" not in str(raised.value)


def test_optional_file_may_be_gone(hub: Hub) -> None:
    hub.failure = {"folder/classifier.ckpt": http_error(errors.RemoteEntryNotFoundError)}
    said: list[str] = []
    assert download.fetch(download.ask(WEIGHTS), said.append).keys() == {"cavp"}
    assert "optional" in said[-1]


def test_room_on_the_disk(hub: Hub, tmp_path: Path) -> None:
    offer = download.ask(WEIGHTS)
    download.check_room(replace(offer, sizes_bytes={"cavp": 1}), tmp_path / "not" / "yet")
    with pytest.raises(FoleyError, match="make room"):
        download.check_room(replace(offer, sizes_bytes={"cavp": 10**18}), tmp_path / "not" / "yet")


def test_a_folder_is_taken_as_published_with_its_configuration_last(hub: Hub, tmp_path: Path) -> None:
    """However the shards are named; a folder without config.json is none that a describer would be found in."""
    hub.published = [".gitattributes", "README.md", "config.json", "tokenizer.json", "pytorch_model-1.bin", "w.bin"]
    offer = download.ask(MINI_GEMINI)
    assert [file.path for file in offer.weights.files] == [
        "pytorch_model-1.bin",
        "tokenizer.json",
        "w.bin",
        "config.json",
    ]
    assert "20.0 GB" in offer.lines()[0] and "CC BY-NC 4.0" in offer.lines()[-1]
    folder = tmp_path / "MGM"
    folder.mkdir()
    assert all(path.parent == folder for path in download.fetch(offer, folder=folder).values())
    hub.published += ["model.safetensors"]
    assert "w.bin" not in [file.path for file in download.ask(MINI_GEMINI).weights.files]


def test_offline_the_describer_is_named_with_its_known_size(hub: Hub) -> None:
    hub.online = False
    hub.failure = {MINI_GEMINI.files[0].path: errors.LocalEntryNotFoundError("offline")}
    offer = download.ask(MINI_GEMINI)
    assert "7.1 GB" in offer.lines()[0] and offer.weights.files[-1].path == "config.json"
    with pytest.raises(FoleyError, match="go online, or name a folder that you have with --describer"):
        download.fetch(offer)


def test_registry_names_the_published_files() -> None:
    assert DIFF_FOLEY.file("ldm").path == "diff_foley_ckpt/ldm_epoch240.ckpt"
    assert [file.role for file in DIFF_FOLEY.files if not file.optional] == ["cavp", "ldm"]
