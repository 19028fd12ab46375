"""Tiny published files, converted, give the reference's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from weights.fill import det
from weights.sampling import Networks, largest_error, relative_l2, trajectory

from rhythmic_foley.schedulers import UnroundedDPMSolver, ddim, plms
from rhythmic_foley.weights.diff_foley import SCALING_FACTOR

TOLERANCE = 2e-5  # relative L2; the reference allows 1e-4


@pytest.fixture(scope="module")
def fixtures(reference_dir: Path) -> Path:
    return reference_dir / "diff_foley" / "fixtures"


@pytest.fixture(scope="module")
def wanted(fixtures: Path) -> dict[str, np.ndarray]:
    return dict(np.load(fixtures / "tiny_ldm.npz"))


@pytest.fixture(scope="module")
def features(fixtures: Path) -> torch.Tensor:
    """Features (1, 33, 512) of a real clip by a CAVP with drawn weights."""
    return torch.from_numpy(np.load(fixtures / "drum_features.npz")["drum_feats"])[None]


# Four numbers of each network's reference output, so that something is held where the reference is not at hand.
@torch.no_grad()
def test_unet_on_a_machine_of_its_own(networks: Networks) -> None:
    x, context = det("unet/x", (2, 4, 16, 64)), det("tiny/ctx", (2, 32, 64))
    found = networks.unet(x, torch.tensor([999.0, 21.0]), context).sample[1, :, 3, 10]
    assert found.tolist() == pytest.approx([0.40052128, 0.88127607, -0.50874627, -0.66481966], abs=1e-5)
    found = networks.unet(x[:1], torch.tensor(959.04), context[:1]).sample[0, :, 3, 10]
    assert found.tolist() == pytest.approx([0.45999044, -0.64919138, 0.26690650, -0.51250875], abs=1e-5)


def test_classifier_on_a_machine_of_its_own(networks: Networks) -> None:
    latent = det("cls/x", (2, 4, 16, 64))[1:]
    context = det("cls/feat", (1, 33, 512)) / 512**0.5
    time = torch.tensor(480.52)
    assert networks.classifier(latent, time, context).sigmoid().item() == pytest.approx(0.55902475, abs=1e-6)
    found = networks.classifier.gradient(latent, time, context)[0, :, 3, 10]
    wanted = [9.2193380e-4, -1.1995189e-4, -3.8662404e-4, -3.6248186e-4]
    assert found.tolist() == pytest.approx(wanted, abs=1e-8)


def test_the_other_networks_as_they_were_when_compared(networks: Networks) -> None:
    """Our own numbers, written down when all of this file agreed with the reference."""
    features = F.normalize(det("cls/feat", (1, 33, 512)), dim=-1)
    solver = UnroundedDPMSolver.published()
    last = trajectory(networks, solver, 5, det("ldm/x_T", (1, 4, 16, 64)), features, double_guidance=True)[-1]
    assert last[0, :, 3, 10].tolist() == pytest.approx([-14.391201, -10.789729, 17.230185, 30.847300], rel=1e-4)
    with torch.no_grad():
        found = networks.vae.decode(det("ae/z", (1, 4, 4, 8)) * 0.8 / SCALING_FACTOR).sample[0, 0, 3, 10:14]
        assert found.tolist() == pytest.approx([0.0205111, -0.0289927, -0.0154792, -0.0928491], abs=1e-5)
        found = networks.vae.encode(det("ae/x", (1, 3, 64, 128)) * 0.2 + 0.4).latent_dist.mode()
        assert found[0, :, 3, 10].tolist() == pytest.approx([-0.1708939, -0.3902020, 0.4509550, 0.1715930], abs=1e-5)
        found = networks.cavp.encode_video((det("cavp/video", (1, 4, 3, 32, 32)) * 0.25 + 0.5).clamp(0, 1))
        assert found[0, 2, :4].tolist() == pytest.approx([0.00449028, 0.02811937, 0.00112722, 0.00740898], abs=1e-6)
        found = networks.cavp.encode_audio((det("cavp/spec", (1, 128, 64)) * 0.2 + 0.4).clamp(0, 1))
        assert found[0, 2, :4].tolist() == pytest.approx([-0.0276686, 0.0594638, -0.0538895, 0.0332515], abs=1e-6)


@torch.no_grad()
def test_cond_stage(networks: Networks, wanted, features) -> None:
    assert largest_error(networks.cond_stage(features[:, :32])[0], wanted["cond"]) < 2e-6


@torch.no_grad()
def test_unet(networks: Networks, wanted) -> None:
    x, context = det("unet/x", (2, 4, 16, 64)), det("tiny/ctx", (2, 32, 64))
    found = networks.unet(x, torch.tensor([999.0, 21.0]), context).sample
    assert relative_l2(found, wanted["unet_t999_t21"]) < TOLERANCE
    found = networks.unet(x[:1], torch.tensor(959.04), context[:1]).sample
    assert relative_l2(found, wanted["unet_t959p04"]) < TOLERANCE


@torch.no_grad()
def test_autoencoder(networks: Networks, wanted, shared_dir: Path) -> None:
    """The mel picture is a recording of others, so it is not part of this repository."""
    front_end = np.load(shared_dir / "reference/diff_foley/fixtures/audio_frontend.npz")
    mel = torch.from_numpy(front_end["mel_reflect"]).expand(1, 3, 128, 512)
    posterior = networks.vae.encode(mel).latent_dist
    assert relative_l2(posterior.parameters[0], wanted["ae_moments"]) < TOLERANCE
    assert relative_l2(networks.vae.decode(posterior.mode()).sample[0, 0], wanted["ae_dec_ch0"]) < TOLERANCE


def test_classifier(networks: Networks, wanted, features) -> None:
    latent, time = det("cls/x", (2, 4, 16, 64)), torch.tensor([999.0, 480.52])
    context = torch.cat([features, det("cls/feat", (1, 33, 512)) / 512**0.5])
    assert largest_error(networks.classifier(latent, time, context).sigmoid().detach(), wanted["cls_prob"]) < 1e-6
    assert relative_l2(networks.classifier.gradient(latent, time, context), wanted["cls_grad"]) < TOLERANCE


@pytest.mark.parametrize("name", ["dpm5_cfg", "dpm5_dg", "dpm16_cfg", "dpm16_dg", "dpm25_cfg", "dpm25_dg"])
def test_dpm_solver(name: str, networks: Networks, wanted, features) -> None:
    steps = int(name[3:].split("_")[0])
    states = sample(UnroundedDPMSolver.published(), steps, name, networks, features)
    kept = torch.cat([states[index] for index in (0, 1, 2, steps // 2, -2, -1)])
    assert relative_l2(kept, wanted[name]) < TOLERANCE
    if name == "dpm25_dg":
        with torch.no_grad():
            mel = networks.vae.decode(states[-1] / SCALING_FACTOR).sample[0, 0, ::2, ::4]
        assert relative_l2(mel, wanted["dpm25_dg_mel_ch0_sub"]) < TOLERANCE


@pytest.mark.parametrize("name", ["ddim5_cfg", "ddim5_dg", "ddim25_cfg", "plms5_cfg", "plms10_cfg"])
def test_ddim_and_plms(name: str, networks: Networks, wanted, features) -> None:
    scheduler = ddim() if name.startswith("ddim") else plms()
    states = sample(scheduler, int(name[4:].split("_")[0]), name, networks, features)
    if name.startswith("plms"):  # the second call of the model repeats the first step
        del states[1]
    assert relative_l2(torch.cat([states[index] for index in (0, 1, 2, -2, -1)]), wanted[name]) < TOLERANCE


def sample(scheduler, steps: int, name: str, networks: Networks, features: torch.Tensor) -> list[torch.Tensor]:
    noise = det("ldm/x_T", (1, 4, 16, 64))
    return trajectory(networks, scheduler, steps, noise, features, double_guidance=name.endswith("_dg"))
