"""The published schedule: unrounded times, levels between the steps, DDIM and PLMS as published."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from rhythmic_foley.schedulers import (
    UnroundedDPMSolver,
    answer_for,
    clean_estimate,
    ddim,
    noise_level,
    plms,
    signal_level,
)


def test_times_are_not_rounded() -> None:
    solver = UnroundedDPMSolver.published()
    solver.set_timesteps(25, device="cpu")
    assert solver.timesteps.dtype == torch.float32 and len(solver.timesteps) == 25
    assert solver.timesteps[:3].tolist() == pytest.approx([999, 959.04, 919.08])
    solver.set_timesteps(5, device="cpu")
    assert solver.timesteps.tolist() == pytest.approx([999, 799.2, 599.4, 399.6, 199.8])


def test_last_state_is_that_of_the_first_training_step() -> None:
    """Not free of noise: amplitude 0.029."""
    solver = UnroundedDPMSolver.published()
    solver.set_timesteps(7)
    assert len(solver.sigmas) == 8
    assert solver.sigmas[-1].item() == pytest.approx(math.sqrt(0.00085 / (1 - 0.00085)), rel=1e-3)


def test_levels_between_steps_are_interpolated_in_the_log() -> None:
    solver = UnroundedDPMSolver.published()
    product = solver.alphas_cumprod.double()
    low, high, between = (signal_level(solver, torch.tensor(t)) for t in (500, 501, 500.25))
    assert low.item() == pytest.approx(product[500].sqrt().item())
    assert math.log(between) == pytest.approx(0.75 * math.log(low) + 0.25 * math.log(high), rel=1e-12)
    assert noise_level(solver, torch.tensor(999)).item() == pytest.approx((1 - product[999]).sqrt().item())
    assert (signal_level(solver, torch.tensor([0.0, 998.5, 999.0])) ** 2 + 0).tolist() == pytest.approx(
        [product[0].item(), math.sqrt(product[998] * product[999]), product[999].item()]
    )


@pytest.mark.parametrize("steps", [1, 5, 14, 15, 25])
def test_a_perfect_model_is_followed_to_the_end(steps: int) -> None:
    """With one sound in the world the noise is known exactly, and every step must land on the sound's own path."""
    solver = UnroundedDPMSolver.published()
    solver.set_timesteps(steps)
    sound, noise = torch.full((1, 2), 0.7), torch.tensor([[1.0, -2.0]])
    state = sound * signal_level(solver, torch.tensor(999)).float() + noise * noise_level(solver, torch.tensor(999))
    for timestep in solver.timesteps:
        predicted = (state - sound * signal_level(solver, timestep).float()) / noise_level(solver, timestep)
        state = solver.step(predicted, timestep, state, return_dict=False)[0]
    end = sound * signal_level(solver, torch.tensor(0)).float() + noise * noise_level(solver, torch.tensor(0))
    assert torch.allclose(state, end, atol=1e-4)


def test_round_trip(tmp_path: Path) -> None:
    UnroundedDPMSolver.published().save_pretrained(tmp_path)
    loaded = UnroundedDPMSolver.from_pretrained(tmp_path)
    loaded.set_timesteps(25)
    assert loaded.timesteps[1].item() == pytest.approx(959.04)
    assert loaded.config.beta_schedule == "scaled_linear" and loaded.config.final_sigmas_type == "sigma_min"


def test_times_given_by_hand_are_kept() -> None:
    solver = UnroundedDPMSolver.published()
    solver.set_timesteps(timesteps=[900, 500, 10])
    assert solver.timesteps.tolist() == [900, 500, 10]


def test_ddim_and_plms_times() -> None:
    for scheduler, times in ((ddim(), [801, 601, 401, 201, 1]), (plms(), [801, 601, 601, 401, 201, 1])):
        scheduler.set_timesteps(5)
        assert scheduler.timesteps.tolist() == times


def test_schedule_is_the_references(reference_dir: Path) -> None:
    wanted = np.load(reference_dir / "diff_foley" / "fixtures" / "schedule.npz")["alphas_cumprod"]
    for scheduler in (UnroundedDPMSolver.published(), ddim(), plms()):
        assert np.allclose(scheduler.alphas_cumprod.numpy(), wanted, rtol=2e-6, atol=0)


def test_times_are_the_references(reference_dir: Path) -> None:
    wanted = np.load(reference_dir / "diff_foley" / "fixtures" / "trajectories_dpm.npz")
    for steps in (5, 25):
        solver = UnroundedDPMSolver.published()
        solver.set_timesteps(steps)
        assert np.abs(solver.timesteps.numpy() - wanted[f"dpm{steps}_cfg_tinput"]).max() < 1e-3


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("timestep", [0.0, 399.6, 999.0])
def test_the_finished_latent_is_read_off_a_perfect_answer(prediction_type: str, timestep: float) -> None:
    solver = UnroundedDPMSolver.from_config(UnroundedDPMSolver.published().config, prediction_type=prediction_type)
    clean, noise, time = torch.tensor([0.5, -2.0]), torch.tensor([1.0, 0.3]), torch.tensor(timestep)
    signal, level = signal_level(solver, time).float(), noise_level(solver, time)
    answer = noise if prediction_type == "epsilon" else signal * noise - level * clean
    sample = signal * clean + level * noise
    assert torch.allclose(clean_estimate(solver, sample, time, answer), clean, atol=1e-4)
    assert torch.allclose(answer_for(solver, sample, time, clean), answer, atol=1e-4)
