"""What a published file must hold, generated from the networks, is what the published files hold."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest
from weights.fill import draw, fill_array, manifest
from weights.tiny import TINY

from rhythmic_foley.weights.diff_foley import PUBLISHED, Sizes, published_file

# sha256 of every "name shape" in the reference's manifests.
DIGESTS = {
    "cavp": "a3ecfda40e05acc30b3c8d03651782197c79d5a65764b14c21422d18fe063dce",
    "ldm": "a0321e9d1b8e73cd5dda98140d15ebcc42192ae761c8aadea5741fbaf238509f",
    "classifier": "69349b238544ecd80c16bc0f3ffa9ddd71dcd9adf6423b485cde06db66616776",
    "tiny_ldm": "9bec3787669ec64fd4a4114494bbbe7f08224706400af87ce618b6d7f5d3fabf",
    "tiny_classifier": "0c43d6b7b79df0f1fd0bab2c26146654cac8da2d5dc32f64d7a65bc469b9dd56",
}


@pytest.mark.parametrize(
    ("role", "sizes", "name", "count"),
    [
        ("cavp", PUBLISHED, "cavp", 402),
        ("ldm", PUBLISHED, "ldm", 937),
        ("classifier", PUBLISHED, "classifier", 150),
        ("ldm", TINY, "tiny_ldm", 937),
        ("classifier", TINY, "tiny_classifier", 150),
    ],
)
def test_names_and_shapes_are_the_published_ones(role: str, sizes: Sizes, name: str, count: int) -> None:
    expected = published_file(role, sizes).expected
    assert len(expected) == count
    lines = "\n".join(f"{key} {shape}" for key, shape in sorted(expected.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_are_those_of_the_manifests(name: str, reference_dir: Path) -> None:
    shapes = manifest(reference_dir / "diff_foley" / "manifests" / f"{name}.json")
    lines = "\n".join(f"{key} {shape}" for key, shape in sorted(shapes.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == DIGESTS[name]


def test_numbers_of_parameters_are_the_published_ones() -> None:
    totals = {
        part.name: sum(math.prod(parameter.shape) for parameter in part.parameters)
        for role in ("cavp", "ldm", "classifier")
        for part in published_file(role).components
    }
    assert totals == {
        "cavp": 113_476_163,
        "unet": 859_520_964,
        "vae": 83_653_863,
        "cond_stage": 424_704,
        "classifier": 11_450_753 + 283_136,
    }


def test_no_parameter_has_two_places() -> None:
    for role in ("cavp", "ldm", "classifier"):
        for part in published_file(role).components:
            assert len({parameter.name for parameter in part.parameters}) == len(part.parameters)
            assert {parameter.ours for parameter in part.parameters} == part.network.state_dict().keys()


def test_fill_rule() -> None:
    """The first values of the reference's own list."""
    key = "model.diffusion_model.time_embed.0.weight"
    assert fill_array(key, (1280, 320))[0, :2].tolist() == pytest.approx([-0.03392046, -0.00221645], abs=1e-8)
    key = "model.diffusion_model.input_blocks.1.0.in_layers.0.bias"
    assert fill_array(key, (320,))[:2].tolist() == pytest.approx([-0.03125660, -0.01700021], abs=1e-8)
    assert draw("a", (2,)).tolist() != draw("b", (2,)).tolist()
