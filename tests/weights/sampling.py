"""Diff-Foley's sampling as its specification has it, written out for comparison with reference numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKL, SchedulerMixin, UNet2DConditionModel

from rhythmic_foley.models.alignment_classifier import AlignmentClassifier
from rhythmic_foley.models.cavp import Cavp
from rhythmic_foley.models.cond_stage import CondStage
from rhythmic_foley.schedulers import noise_level

GUIDANCE_SCALE, CLASSIFIER_SCALE = 4.5, 50.0


@dataclass(frozen=True)
class Networks:
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    cond_stage: CondStage
    classifier: AlignmentClassifier
    cavp: Cavp


@torch.no_grad()
def trajectory(
    networks: Networks,
    scheduler: SchedulerMixin,
    steps: int,
    noise: torch.Tensor,
    features: torch.Tensor,
    *,
    double_guidance: bool = False,
    watch: Callable[[torch.Tensor], None] = lambda _: None,
) -> list[torch.Tensor]:
    """Every state from pure noise on, one for each call of the model.

    Args:
        noise: (1, 4, 16, 64).
        features: (1, T, 512) of the whole clip, whose first window is dubbed.
        watch: gets each timestep.
    """
    scheduler.set_timesteps(steps, device="cpu")
    tokens = networks.cond_stage(features[:, :32])
    context = torch.cat([networks.cond_stage.unconditional(1, tokens.shape[1]), tokens])
    states = [noise]
    for timestep in scheduler.timesteps:
        watch(timestep)
        without, with_ = networks.unet(states[-1].expand(2, -1, -1, -1), timestep, context).sample.chunk(2)
        predicted = without + GUIDANCE_SCALE * (with_ - without)
        if double_guidance:
            gradient = networks.classifier.gradient(states[-1], timestep, features)
            predicted = predicted - CLASSIFIER_SCALE * noise_level(scheduler, timestep) * gradient
        states.append(scheduler.step(predicted, timestep, states[-1], return_dict=False)[0])
    return states


def relative_l2(found: torch.Tensor | np.ndarray, wanted: np.ndarray) -> float:
    found = np.asarray(found, dtype=np.float64)
    assert found.shape == wanted.shape
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def largest_error(found: torch.Tensor | np.ndarray, wanted: np.ndarray) -> float:
    found = np.asarray(found, dtype=np.float64)
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max())
