"""Published files become a checkpoint, whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from weights.fill import fill_array
from weights.sampling import Networks
from weights.tiny import TINY

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.schedulers import UnroundedDPMSolver
from rhythmic_foley.weights.convert import Conversion, convert_diff_foley


def test_folder_is_a_pipelines(conversion: Conversion) -> None:
    assert conversion.components == ("cavp", "classifier", "cond_stage", "scheduler", "unet", "vae", "vocoder")
    index = json.loads((conversion.folder / "model_index.json").read_text())
    assert index["_class_name"] == "RhythmicFoleyPipeline"
    assert index["unet"] == ["diffusers", "UNet2DConditionModel"]
    assert index["cavp"] == ["rhythmic_foley.models.cavp", "Cavp"]
    assert UnroundedDPMSolver.from_pretrained(conversion.folder / "scheduler").config.solver_order == 2
    assert "licence" in (conversion.folder / "README.md").read_text()
    assert not list(conversion.folder.rglob("*.bin")), "safetensors only"


def test_values_arrive_where_they_belong(networks: Networks) -> None:
    """One of each kind of place; the numbers that the networks give are compared elsewhere."""
    places = {
        "model.diffusion_model.input_blocks.3.0.op.weight": networks.unet.down_blocks[0].downsamplers[0].conv.weight,
        "model.diffusion_model.output_blocks.2.1.conv.bias": networks.unet.up_blocks[0].upsamplers[0].conv.bias,
        "model.diffusion_model.output_blocks.8.2.conv.bias": networks.unet.up_blocks[2].upsamplers[0].conv.bias,
        "model.diffusion_model.middle_block.2.emb_layers.1.bias": networks.unet.mid_block.resnets[
            1
        ].time_emb_proj.bias,
        "first_stage_model.decoder.up.0.block.2.conv1.weight": networks.vae.decoder.up_blocks[3]
        .resnets[2]
        .conv1.weight,
        "first_stage_model.encoder.mid.attn_1.q.bias": networks.vae.encoder.mid_block.attentions[0].to_q.bias,
        "cond_stage_model.pos_emb.weight": networks.cond_stage.pos_emb.weight,
        "model.classifier.weight": networks.classifier.score.weight,
        "cond_model.embedder.0.weight": networks.classifier.cond_stage.embedder[0].weight,
        "spec_encoder.conv_block3.bn2.running_var": networks.cavp.spec_encoder.conv_block3.bn2.running_var,
        "video_encoder.layer4.0.downsample.conv.weight": networks.cavp.video_encoder.layer4[0].downsample.conv.weight,
    }
    for key, value in places.items():
        assert torch.equal(value, torch.from_numpy(fill_array(key, tuple(value.shape)))), key
    # Published as a convolution, used as a matrix.
    query = networks.vae.decoder.mid_block.attentions[0].to_q.weight
    key = "first_stage_model.decoder.mid.attn_1.q.weight"
    assert torch.equal(query, torch.from_numpy(fill_array(key, (*query.shape, 1, 1)))[..., 0, 0])


def read(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def convert(files: dict[str, Path], out: Path) -> Conversion:
    return convert_diff_foley(**files, out=out, sizes=TINY)


@pytest.fixture
def encoders(tiny_files: dict[str, Path]) -> dict[str, torch.Tensor]:
    return read(tiny_files["cavp"])


def refused(state: dict[str, torch.Tensor], files: dict[str, Path], tmp_path: Path, role: str = "cavp") -> str:
    """The sentence that a changed file is refused with; checks that nothing is left behind."""
    torch.save({"state_dict": state}, tmp_path / "changed.ckpt")
    return refused_file(tmp_path / "changed.ckpt", files, tmp_path, role)


def refused_file(path: Path, files: dict[str, Path], tmp_path: Path, role: str) -> str:
    out = tmp_path / "out" / "diff-foley"
    with pytest.raises(FoleyError) as error:
        convert({**files, role: path}, out)
    assert not out.exists() and not (out.parent.exists() and list(out.parent.iterdir()))
    sentence = str(error.value)
    assert "\n" not in sentence and sentence.endswith(".") and path.name in sentence
    return sentence


def test_missing_keys_are_named(encoders, tiny_files, tmp_path) -> None:
    del encoders["spec_encoder.fc1.bias"]
    assert "lacks spec_encoder.fc1.bias of the" in refused(encoders, tiny_files, tmp_path)
    del encoders["spec_encoder.fc1.weight"]
    assert "lacks spec_encoder.fc1.weight and 1 more of the" in refused(encoders, tiny_files, tmp_path)


def test_renamed_keys_are_missing_keys(encoders, tiny_files, tmp_path) -> None:
    renamed = {key.replace(".bn.", ".norm."): value for key, value in encoders.items()}
    assert "lacks video_encoder.conv1.bn.weight and" in refused(renamed, tiny_files, tmp_path)


def test_misshapen_keys_are_named(encoders, tiny_files, tmp_path) -> None:
    encoders["video_project_head.weight"] = encoders["video_project_head.weight"].T
    sentence = refused(encoders, tiny_files, tmp_path)
    assert "video_project_head.weight has the shape (64, 512) instead of (512, 64)" in sentence


def test_values_that_are_no_numbers(encoders, tiny_files, tmp_path) -> None:
    encoders["spec_encoder.fc1.bias"][0] = float("nan")
    assert "spec_encoder.fc1.bias has values that are not numbers" in refused(encoders, tiny_files, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.to_sparse(),
        lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8),
        lambda x: x.to(torch.complex64),
        lambda x: x > 0,
        lambda x: x.to("meta"),
    ],
    ids=["sparse", "quantised", "complex", "bool", "shape alone"],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_arrays_of_other_kinds(change, encoders, tiny_files, tmp_path) -> None:
    encoders["video_project_head.weight"] = change(encoders["video_project_head.weight"])
    assert "video_project_head.weight is not stored as ordinary numbers" in refused(encoders, tiny_files, tmp_path)


def test_another_noise_schedule(tiny_files, tmp_path) -> None:
    state = read(tiny_files["classifier"])
    state["alphas_cumprod"] = torch.linspace(1, 0, 1000)
    assert "another noise schedule" in refused(state, tiny_files, tmp_path, "classifier")


@pytest.mark.parametrize(("role", "given"), [("cavp", "ldm"), ("ldm", "cavp"), ("ldm", "classifier")])
def test_wrong_file_is_told_where_it_belongs(role: str, given: str, tiny_files, tmp_path) -> None:
    """Also what happens when the published file was renamed to another's name."""
    path = shutil.copy(tiny_files[given], tmp_path / "renamed.ckpt")
    assert f"give it with --{given}" in refused_file(Path(path), tiny_files, tmp_path, role)


def test_another_model(tiny_files, tmp_path) -> None:
    sentence = refused({"encoder.weight": torch.zeros(2)}, tiny_files, tmp_path, "ldm")
    assert "does not hold the latent diffusion model" in sentence


def test_stable_diffusion_itself(tiny_files, tmp_path) -> None:
    """The same UNet and autoencoder, but it reads text."""
    state = {k: v for k, v in read(tiny_files["ldm"]).items() if not k.startswith("cond_stage_model.")}
    state["cond_stage_model.transformer.text_model.final_layer_norm.bias"] = torch.zeros(8)
    assert "lacks cond_stage_model.embedder.0.weight and 2 more" in refused(state, tiny_files, tmp_path, "ldm")


def test_truncated_file(tiny_files, tmp_path) -> None:
    whole = tiny_files["ldm"].read_bytes()
    (tmp_path / "half.ckpt").write_bytes(whole[: len(whole) // 2])
    assert "cut short" in refused_file(tmp_path / "half.ckpt", tiny_files, tmp_path, "ldm")


def test_extra_keys_are_listed_and_wrappers_unwrapped(encoders, tiny_files, tmp_path) -> None:
    """As saved from a model on several GPUs, in half precision, with something beside."""
    wrapped = {
        f"module.{key}": value.half() if value.is_floating_point() else value for key, value in encoders.items()
    }
    torch.save({**wrapped, "module.queue": torch.zeros(3), "module.step": torch.zeros(())}, tmp_path / "cavp.ckpt")
    files = {"cavp": tmp_path / "cavp.ckpt", "ldm": tiny_files["ldm"]}
    done = convert(files, tmp_path / "out")
    assert done.extra_keys == {"cavp": ("queue", "step"), "ldm": ()}
    assert done.components == ("cavp", "cond_stage", "scheduler", "unet", "vae", "vocoder")
    from rhythmic_foley.models.cavp import Cavp

    cavp = Cavp.from_pretrained(tmp_path / "out" / "cavp")
    assert cavp.logit_scale.dtype == torch.float32
    assert cavp.logit_scale.item() == pytest.approx(2.65926, abs=2e-3)


def test_schedule_buffers_may_be_left_out(tiny_files, tmp_path) -> None:
    """They are computed again; the autoencoder that the published class may carry along is extra."""
    state = {key: value for key, value in read(tiny_files["classifier"]).items() if value.shape != (1000,)}
    state["first_stage_model.quant_conv.bias"] = torch.zeros(8)
    torch.save({"state_dict": state}, tmp_path / "classifier.ckpt")
    done = convert({**tiny_files, "classifier": tmp_path / "classifier.ckpt"}, tmp_path / "out")
    assert done.extra_keys["classifier"] == ("first_stage_model.quant_conv.bias",)


def test_what_is_there_is_not_written_over(tiny_files, tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FoleyError, match="already there"):
        convert(tiny_files, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_vocoder_can_be_taken_over(tiny_files, tmp_path) -> None:
    from rhythmic_foley.models.sizes import TOY, new_vocoder
    from rhythmic_foley.pipeline.loading import load_pipeline

    new_vocoder(TOY).save_pretrained(tmp_path / "vocoder")
    done = convert_diff_foley(**tiny_files, out=tmp_path / "out", vocoder=tmp_path / "vocoder", sizes=TINY)
    assert load_pipeline(done.folder, device="cpu").sample_rate_hz == 44_100
