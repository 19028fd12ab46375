"""The ComfyUI nodes, called as ComfyUI calls nodes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from ui.fake_studio import FakeStudio

import rhythmic_foley.integrations.comfyui as pack
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.integrations.comfyui import nodes
from rhythmic_foley.media.reading import probe
from rhythmic_foley.values.onsets import Onsets

KNOWN_TYPES = {"IMAGE", "FLOAT", "INT", "STRING", "AUDIO"}


def test_the_folder_loads_as_comfyui_loads_custom_nodes() -> None:
    """By path, under a name of its own."""
    path = Path(pack.__file__)
    spec = importlib.util.spec_from_file_location(
        "custom_nodes.rf", path, submodule_search_locations=[str(path.parent)]
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.NODE_CLASS_MAPPINGS.keys() == module.NODE_DISPLAY_NAME_MAPPINGS.keys()


@pytest.mark.parametrize("node", pack.NODE_CLASS_MAPPINGS.values())
def test_nodes_keep_to_the_interface(node: type) -> None:
    inputs = node.INPUT_TYPES()
    assert set(inputs) <= {"required", "optional", "hidden"}
    names = [name for part in inputs.values() for name in part]
    method = getattr(node(), node.FUNCTION)
    assert set(names) == set(method.__func__.__code__.co_varnames[1 : method.__func__.__code__.co_argcount])
    for part in inputs.values():
        for kind, *options in part.values():
            assert (isinstance(kind, list) and kind) or kind in KNOWN_TYPES
            assert all(isinstance(option, dict) for option in options)
    assert set(node.RETURN_TYPES) <= KNOWN_TYPES and len(node.RETURN_NAMES) == len(node.RETURN_TYPES)
    assert node.CATEGORY == "Rhythmic Foley"


def test_pictures_become_sound_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = FakeStudio()
    monkeypatch.setattr(nodes, "the_studio", lambda: studio)
    images = torch.rand(25, 49, 64, 3)
    audio, video, take = nodes.DubNode().dub(images, 12.5, 7, "drum", "0.5, 1.2", "music", str(tmp_path))
    assert audio["waveform"].shape == (1, 1, 2 * audio["sample_rate"]) and audio["waveform"].dtype == torch.float32
    assert float(audio["waveform"].abs().max()) > 0.1
    clip = probe(video)
    assert (clip.frames, clip.width, clip.height, clip.fps) == (25, 64, 48, 12.5)
    (asked,) = studio.requests
    assert (asked.text, asked.onsets, asked.negative, asked.seed) == ("drum", Onsets.of([0.5, 1.2]), "music", 7)
    (folder,) = nodes.ExportNode().export(take, "wav, vtt", "ebu-r128", "01:00:00:00")
    assert {path.suffix for path in Path(folder).iterdir()} == {".wav", ".vtt"}


def test_one_picture_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="at least two pictures"):
        nodes.write_clip(torch.rand(1, 48, 64, 3), 25, tmp_path / "a.mp4")
