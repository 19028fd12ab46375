"""Noise of wanted levels, Griffin-Lim from a given beginning, and changes of rate."""

from __future__ import annotations

import pytest
import torch

from rhythmic_foley.audio.mel import N_FFT, SAMPLE_RATE_HZ
from rhythmic_foley.models import synthesis
from rhythmic_foley.models.synthesis import WIDE_N_FFT, WIDE_RATE_HZ


def tone(hz: float, rate_hz: int, seconds: float = 0.5) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hz * torch.arange(round(seconds * rate_hz)) / rate_hz)[None]


def hz_of(wave: torch.Tensor, rate_hz: int) -> float:
    return float(torch.fft.rfft(wave[0]).abs().argmax()) * rate_hz / wave.shape[-1]


def test_interpolation_is_linear_inside_and_flat_outside():
    matrix = synthesis.interpolation(torch.tensor([0.0, 1.0, 3.0]), torch.tensor([-1.0, 0.5, 2.0, 9.0]))
    values = matrix @ torch.tensor([10.0, 20.0, 40.0])
    torch.testing.assert_close(values, torch.tensor([10.0, 15.0, 30.0, 40.0]))


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16_000, 44_100), (44_100, 16_000)])
def test_resampling_keeps_pitch_and_level(from_hz, to_hz):
    wave = tone(1000, from_hz)
    again = synthesis.resample(wave, from_hz, to_hz, round(0.5 * to_hz))
    assert again.shape == (1, round(0.5 * to_hz))
    middle = slice(to_hz // 20, -to_hz // 20)
    assert (again - tone(1000, to_hz))[:, middle].abs().max() < 0.01


def test_resampling_leaves_out_what_the_lower_rate_cannot_hold():
    wave = synthesis.resample(tone(12_000, WIDE_RATE_HZ), WIDE_RATE_HZ, SAMPLE_RATE_HZ, 8000)
    assert wave[:, 400:-400].abs().max() < 0.01


def test_crossover_takes_each_part_from_its_sound():
    low = tone(1000, WIDE_RATE_HZ) + tone(12_000, WIDE_RATE_HZ)
    high = tone(3000, WIDE_RATE_HZ) + tone(15_000, WIDE_RATE_HZ)
    middle = slice(2000, -2000)
    wanted = tone(1000, WIDE_RATE_HZ) + tone(15_000, WIDE_RATE_HZ)
    assert (synthesis.crossover(low, high) - wanted)[:, middle].abs().max() < 0.01


def test_noise_has_the_levels_of_its_bands():
    amplitude = torch.zeros(2, WIDE_N_FFT // 2 + 1, 345)
    amplitude[0, 20:30] = 2.0
    amplitude[1, 100:110] = 1.0
    noise = synthesis.shaped_noise(amplitude, 44_100)
    spectrum = torch.stft(noise, WIDE_N_FFT, 128, window=torch.hann_window(WIDE_N_FFT), return_complex=True).abs()
    level = spectrum[:, :, 10:-10].square().mean(dim=2).sqrt()
    assert level[0, 22:28].mean() == pytest.approx(2.0, rel=0.15)
    assert level[1, 102:108].mean() == pytest.approx(1.0, rel=0.15)
    assert level[0, 100:110].max() < 0.01
    torch.testing.assert_close(noise, synthesis.shaped_noise(amplitude, 44_100), rtol=0, atol=0)


def test_bands_are_laid_out_over_time_and_frequency():
    levels = torch.zeros(1, 50, 4, 32)
    levels[:, 25, 2, 20] = 1.0  # 4 ms around 0.402 s
    spread = synthesis.spread_bands(levels)[0]
    bin_, frame = divmod(int(spread.argmax()), spread.shape[1])
    assert frame * synthesis.WIDE_HOP / WIDE_RATE_HZ == pytest.approx(0.402, abs=0.003)
    assert bin_ * WIDE_RATE_HZ / WIDE_N_FFT == pytest.approx(float(synthesis.band_centres_hz()[20]), abs=90)


def test_griffin_lim_keeps_a_phase_that_fits():
    """From the true waveform it stays at the true waveform."""
    wave = torch.randn(1, 8192, generator=torch.Generator().manual_seed(0))
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(wave[:, :-1], N_FFT, 256, window=window, pad_mode="reflect", return_complex=True)
    again = synthesis.griffin_lim(spectrum.abs(), wave, 2)
    assert (again - wave)[:, 1024:-1024].abs().max() < 0.01
