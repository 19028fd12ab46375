"""Steering towards onsets: the loss knows a hit where it should be, and its gradient leads there."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from rhythmic_foley.pipeline.guidance import onset_loss, towards_onsets
from rhythmic_foley.values.onsets import Onsets

WANTED = torch.from_numpy(Onsets.of([1.0, 3.0], [1.0, 0.5]).to_mask(512, 62.5))


def mel_with_hits(times_s: tuple[float, ...], height: float = 0.5) -> torch.Tensor:
    """(1, 128, 512): hits that fade within 0.4 s."""
    mel = torch.zeros(512)
    for time_s in times_s:
        start = int(time_s * 62.5)
        mel[start:] = torch.maximum(mel[start:], height * (1 - torch.arange(512 - start) / 25).clamp(min=0))
    return mel.expand(1, 128, 512).clone()


def test_hits_where_they_should_be_cost_nothing() -> None:
    assert onset_loss(mel_with_hits((1.0, 3.0)), WANTED).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "times_s", [(1.0,), (3.0,), (), (1.0, 2.0, 3.0), (1.1, 3.1)], ids=["soft", "loud", "both", "more", "late"]
)
def test_missing_late_and_additional_hits_cost_something(times_s: tuple[float, ...]) -> None:
    assert onset_loss(mel_with_hits(times_s), WANTED).item() > 0.02


def test_a_loud_hit_weighs_more() -> None:
    missing_loud, missing_soft = (onset_loss(mel_with_hits((time_s,)), WANTED).item() for time_s in (3.0, 1.0))
    assert missing_loud == pytest.approx(2 * missing_soft, rel=1e-3)


def test_steps_lead_to_hits() -> None:
    """The mel of this decoder is its latent, repeated."""

    def to_mel(latent: torch.Tensor) -> torch.Tensor:
        return F.interpolate(latent, scale_factor=(8, 8), mode="bilinear")[:, 0] * 0.3 + 0.3

    torch.manual_seed(0)
    latent = torch.randn(2, 1, 16, 64) * 0.5
    losses = [onset_loss(to_mel(latent), WANTED).item()]
    for _ in range(10):
        with torch.no_grad():
            latent = towards_onsets(latent, WANTED, to_mel, 0.5)
        losses.append(onset_loss(to_mel(latent), WANTED).item())
    assert losses[-1] < 0.6 * losses[0]
    assert not latent.requires_grad
