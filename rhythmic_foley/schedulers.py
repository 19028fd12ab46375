"""Diff-Foley's noise schedule and its DPM-Solver++, whose time grid is not rounded to whole steps."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, PNDMScheduler, SchedulerMixin

NOISE_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
}


class UnroundedDPMSolver(DPMSolverMultistepScheduler):
    """DPM-Solver++ on evenly spaced times from the last training step down to the first, fractions kept.

    Between two training steps the log of the signal's amplitude is interpolated linearly, as the published sampler
    does; for that reason a trained model sees fractional timesteps.
    """

    @classmethod
    def published(cls) -> UnroundedDPMSolver:
        """With Diff-Foley's schedule and settings."""
        return cls(
            **NOISE_SCHEDULE,
            algorithm_type="dpmsolver++",
            solver_order=2,
            solver_type="midpoint",
            timestep_spacing="linspace",
            final_sigmas_type="sigma_min",
        )

    def set_timesteps(
        self, num_inference_steps: int | None = None, device: str | torch.device | None = None, **options: object
    ) -> None:
        """As the base class does, then without rounding unless `timesteps` are given.

        The last state is that of step 0, not noise-free.
        """
        super().set_timesteps(num_inference_steps, device, **options)
        if num_inference_steps is None:
            return
        last = self.config.num_train_timesteps - 1
        grid = torch.linspace(last, 0, num_inference_steps + 1, dtype=torch.float64)
        self.timesteps = grid[:-1].float().to(device)
        signal = signal_level(self, grid)
        self.sigmas = ((1 - signal**2).sqrt() / signal).float()


def ddim() -> DDIMScheduler:
    """DDIM as published (eta 0); the number of steps must divide 1000 to match."""
    return DDIMScheduler(
        **NOISE_SCHEDULE, clip_sample=False, set_alpha_to_one=False, steps_offset=1, timestep_spacing="leading"
    )


def plms() -> PNDMScheduler:
    """PLMS as published; the number of steps must divide 1000 to match. The first step asks the model twice."""
    return PNDMScheduler(
        **NOISE_SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1, timestep_spacing="leading"
    )


def signal_level(scheduler: SchedulerMixin, timestep: torch.Tensor) -> torch.Tensor:
    """Amplitude of the signal at any time from 0 to 999, whole or not, in float64; works with every scheduler here."""
    log_signal = 0.5 * torch.log(scheduler.alphas_cumprod.double().cpu())
    timestep = timestep.double().cpu()
    below = timestep.floor().long().clamp(0, len(log_signal) - 2)
    return torch.lerp(log_signal[below], log_signal[below + 1], timestep - below).exp()


def noise_level(scheduler: SchedulerMixin, timestep: torch.Tensor) -> torch.Tensor:
    """Amplitude of the noise at any time from 0 to 999: what double guidance multiplies the gradient with."""
    return (1 - signal_level(scheduler, timestep) ** 2).sqrt().float()


def clean_estimate(
    scheduler: SchedulerMixin, sample: torch.Tensor, timestep: torch.Tensor, predicted: torch.Tensor
) -> torch.Tensor:
    """The finished latent that a network's answer points to.

    Args:
        sample: what the network read, of variance 1 (after `scale_model_input`).
        predicted: its answer, noise or velocity as the scheduler's configuration says.
    """
    signal, noise = _levels(scheduler, timestep, sample)
    if scheduler.config.prediction_type == "v_prediction":
        return signal * sample - noise * predicted
    return (sample - noise * predicted) / signal


def answer_for(
    scheduler: SchedulerMixin, sample: torch.Tensor, timestep: torch.Tensor, estimate: torch.Tensor
) -> torch.Tensor:
    """The network's answer that would point to `estimate`: inverse of `clean_estimate`."""
    signal, noise = _levels(scheduler, timestep, sample)
    if scheduler.config.prediction_type == "v_prediction":
        return (signal * sample - estimate) / noise
    return (sample - signal * estimate) / noise


def _levels(
    scheduler: SchedulerMixin, timestep: torch.Tensor, like: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    signal = signal_level(scheduler, timestep)
    return signal.to(like), (1 - signal**2).sqrt().to(like)
