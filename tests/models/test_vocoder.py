"""The vocoder at toy size: shapes, learning, silence, clicks, extremes; and the shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.models.synthesis import WIDE_RATE_HZ, samples
from rhythmic_foley.models.vocoder import FoleyVocoder, GriffinLim, Levels, level_of

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "mini" / "vocoder"


def toy(**options: object) -> FoleyVocoder:
    torch.manual_seed(0)
    return FoleyVocoder(width=8, hidden=16, depth=1, iterations=4, **options).eval()


def clicks(*times_s: float, seconds: float = 1.024) -> torch.Tensor:
    """Decaying noise bursts of 20 ms, (1, N) at 16 kHz."""
    wave = torch.zeros(1, round(seconds * SAMPLE_RATE_HZ))
    burst = torch.randn(800, generator=torch.Generator().manual_seed(0)) * torch.exp(-torch.arange(800) / 80)
    for time_s in times_s:
        start = round(time_s * SAMPLE_RATE_HZ)
        wave[0, start : start + 800] += 0.3 * burst
    return wave


@pytest.mark.parametrize("frames", [1, 2, 3, 64, 125])
@torch.no_grad()
def test_shapes_and_rates(frames):
    mel = torch.rand(2, 128, frames)
    wide, narrow = toy(), toy(upper_octave=False)
    assert (wide.sample_rate_hz, narrow.sample_rate_hz) == (44_100, 16_000)
    assert wide(mel).shape == (2, samples(frames, WIDE_RATE_HZ))
    assert narrow(mel).shape == (2, 256 * frames)
    assert GriffinLim(sample_rate_hz=22_050).sample_rate_hz == 16_000


@pytest.mark.parametrize("value", [-5.0, 0.0, 1.0, 5.0])
@torch.no_grad()
def test_extreme_mels_give_finite_sound(value):
    wave = toy()(torch.full((1, 128, 20), value))
    assert torch.isfinite(wave).all()


def test_gradient_steps_lower_the_error():
    vocoder = toy()
    mel = log_mel(clicks(0.2, 0.5))
    target = Levels(torch.rand(1, 64, 513), torch.rand(1, 64, 4, 32))
    optimizer = torch.optim.Adam(vocoder.parameters(), 0.01)

    def step() -> float:
        levels = vocoder.levels(mel)
        loss = (levels.bins - target.bins).abs().mean() + (levels.bands - target.bands).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = [step() for _ in range(8)]
    assert losses[-1] < 0.9 * losses[0]


@torch.no_grad()
def test_saved_and_loaded_it_sounds_the_same(tmp_path):
    vocoder, mel = toy(), torch.rand(1, 128, 16)
    torch.nn.init.normal_(vocoder.head.weight, std=0.1)
    vocoder.save_pretrained(tmp_path)
    again = FoleyVocoder.from_pretrained(tmp_path)
    torch.testing.assert_close(again(mel), vocoder(mel), rtol=0, atol=0)


def test_levels_of_amplitudes_start_at_0():
    assert level_of(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([0.0, 0.56])
    assert level_of(torch.tensor([0.0, 1.0]), bands=True).tolist() == pytest.approx([0.0, 0.60])


@pytest.fixture(scope="module")
def shipped() -> FoleyVocoder:
    return FoleyVocoder.from_pretrained(CHECKPOINT, dtype=torch.float32).eval()


@torch.no_grad()
def test_silence_stays_silent(shipped):
    assert shipped(torch.zeros(1, 128, 64)).abs().max() < 1e-4  # -80 dBFS


@torch.no_grad()
def test_clicks_stay_where_they_are(shipped):
    times_s = (0.2, 0.507, 0.81)
    wave = shipped(log_mel(clicks(*times_s)))[0]
    power = wave.square().cumsum(0)
    for time_s in times_s:
        first, last = (round((time_s + d) * WIDE_RATE_HZ) for d in (-0.1, 0.1))
        rising = (power[first:last] - power[first]) / (power[last] - power[first])
        # A tenth of the energy of such a burst has passed 0.3 ms after its beginning.
        heard_s = (first + int((rising > 0.1).nonzero()[0])) / WIDE_RATE_HZ
        assert heard_s == pytest.approx(time_s, abs=0.005)


@torch.no_grad()
def test_the_mel_comes_back(shipped):
    """Also the level: what the network leaves open does not make a sound louder."""
    wave = clicks(0.1, 0.4, 0.7) + 0.1 * torch.sin(torch.arange(16_384) * 2 * torch.pi * 440 / SAMPLE_RATE_HZ)
    mel = log_mel(wave)
    narrow = FoleyVocoder.from_config(shipped.config, upper_octave=False)
    narrow.load_state_dict(shipped.state_dict())
    assert (log_mel(narrow(mel)) - mel).abs().mean() < 0.04
