"""Log-mel and back, loudness, mixing, WAV files."""

from __future__ import annotations

import time
import warnings

import librosa
import numpy as np
import pytest
import torch

from rhythmic_foley.audio.loudness import PEAK_LIMIT, loudness_lufs, normalise_loudness
from rhythmic_foley.audio.mel import HOP, N_MELS, SAMPLE_RATE_HZ, band_of, log_mel, mel_matrix, mel_to_wave
from rhythmic_foley.audio.mel import _mel_to_magnitude as mel_to_magnitude
from rhythmic_foley.audio.wav import read_wav, write_wav
from rhythmic_foley.errors import FoleyError


def _hits(seconds: float = 2.048) -> torch.Tensor:
    """Two decaying bursts and a falling tone, (N,)."""
    random = np.random.default_rng(0)
    clock_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave = 0.2 * np.sin(2 * np.pi * (900 * clock_s - 100 * clock_s**2))
    for start_s in (0.3, 1.1):
        late_s = np.maximum(clock_s - start_s, 0)
        wave += 0.3 * random.standard_normal(len(clock_s)) * np.exp(-late_s / 0.1) * (clock_s >= start_s)
    return torch.from_numpy(wave.astype(np.float32))


def _tone(hz: float, seconds: float, level: float = 0.5, rate_hz: int = SAMPLE_RATE_HZ) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def _fixture(shared_dir, name: str):
    return np.load(shared_dir / "reference" / "diff_foley" / "fixtures" / name)


def test_log_mel_shape_and_range():
    mel = log_mel(torch.stack([_hits(), _hits() * 100])[:, None])
    assert mel.shape == (2, 1, N_MELS, round(2.048 * SAMPLE_RATE_HZ) // HOP)
    assert mel.min() >= 0 and mel.max() == 1
    assert not log_mel(torch.zeros(4096)).any()


def test_log_mel_puts_a_tone_in_its_band():
    mel = log_mel(torch.from_numpy(_tone(1000, 1.0)))[:, 20]
    centre_hz = (mel_matrix() @ torch.linspace(0, 8000, 513)) / mel_matrix().sum(dim=1)
    assert abs(centre_hz[mel.argmax()] - 1000) < 30
    assert abs(band_of(1000) - mel.argmax()) < 1.5


def test_band_of_runs_over_the_bands():
    assert band_of(125) == pytest.approx(-1) and band_of(7600) == pytest.approx(N_MELS)


def test_log_mel_equals_the_published_front_end():
    """The published one is librosa's, with reflected edges and the last sample dropped."""
    wave = _hits()
    bands = librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=1024, n_mels=N_MELS, fmin=125, fmax=7600)
    magnitude = np.abs(librosa.stft(wave.numpy()[:-1], n_fft=1024, hop_length=HOP, pad_mode="reflect"))
    wanted = np.clip((20 * np.log10(np.maximum(bands @ magnitude, 1e-5)) + 80) / 100, 0, 1)
    assert np.abs(log_mel(wave).numpy() - wanted).max() < 1e-4


def test_log_mel_of_a_real_clip_equals_the_published_numbers(shared_dir):
    fixture = _fixture(shared_dir, "audio_frontend.npz")
    mel = log_mel(torch.from_numpy(fixture["wave_int16"].astype(np.float32) / 32768))
    assert np.abs(mel.numpy() - fixture["mel_reflect"]).max() < 2e-5


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
def test_inverse_is_as_long_as_asked(frames):
    mel = torch.full((2, 1, N_MELS, frames), 0.5)
    assert mel_to_wave(mel, iterations=2).shape == (2, 1, frames * HOP)
    assert mel_to_wave(mel[0, 0], iterations=2, length=5000).shape == (5000,)
    assert mel_to_wave(mel[0, 0], iterations=2, length=100).shape == (100,)
    assert torch.isfinite(mel_to_wave(mel, iterations=2)).all()


def test_inverse_round_trip():
    mel = log_mel(_hits())
    wave = mel_to_wave(mel)
    assert (log_mel(wave) - mel).abs().mean() < 0.015
    # The last 256 samples, which the published inverse drops, sound as well.
    assert wave[-256:].std() > 0.5 * _hits()[-256:].std()


def test_inverse_depends_on_the_generator_alone():
    mel = log_mel(_hits(0.512))
    drawn = [mel_to_wave(mel, iterations=4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(mel_to_wave(mel, iterations=4), mel_to_wave(mel, iterations=4))


def test_inverse_pitch_is_right_and_the_demo_switch_lowers_it():
    mel = log_mel(torch.from_numpy(_tone(2000, 1.024)))

    def peak_hz(wave: torch.Tensor) -> float:
        return float(torch.fft.rfft(wave).abs().argmax()) * SAMPLE_RATE_HZ / len(wave)

    assert abs(peak_hz(mel_to_wave(mel)) / 2000 - 1) < 0.02
    assert abs(peak_hz(mel_to_wave(mel, sample_rate_hz=22_050)) / 2000 - 16_000 / 22_050) < 0.02


def test_what_a_network_draws_is_inverted_too():
    noisy = log_mel(_hits()) + 0.1 * torch.randn(N_MELS, 128, generator=torch.Generator().manual_seed(0))
    power = 10 ** ((100 * noisy[None] - 80) / 20)
    magnitude = mel_to_magnitude(power, SAMPLE_RATE_HZ)
    assert magnitude.min() >= 0
    assert ((mel_matrix() @ magnitude - power).norm() / power.norm()) < 0.2


@pytest.mark.parametrize("rate_hz", [16_000, 22_050])
def test_mel_inversion_is_as_good_as_the_published_one(rate_hz):
    """The published one is librosa's least squares; many spectra have the same mel, so mels are compared."""
    power = 10 ** ((100 * log_mel(_hits())[None, :, 16:48] - 80) / 20)
    bands = mel_matrix(rate_hz).numpy()
    published = librosa.feature.inverse.mel_to_stft(
        power[0].numpy(), sr=rate_hz, n_fft=1024, power=1.0, fmin=125, fmax=7600
    )
    found = mel_to_magnitude(power, rate_hz)[0].numpy()
    ours, theirs = (np.linalg.norm(bands @ one - power[0].numpy()) for one in (found, published))
    assert found.min() >= 0 and ours <= max(1.05 * theirs, 0.01 * float(power.norm()))


@pytest.mark.parametrize("rate_hz", [16_000, 22_050])
def test_inverse_of_a_real_clip_equals_the_published_numbers(shared_dir, rate_hz):
    """Tolerances from the reference's specification: spectrum 5 %, waveform statistics 10 %."""
    fixture = _fixture(shared_dir, "audio_inverse.npz")
    mel = torch.from_numpy(fixture["mel_in"])
    magnitude = mel_to_magnitude(10 ** ((100 * mel[None] - 80) / 20), rate_hz)[0].numpy()
    some, wanted = magnitude[::3, ::4], fixture[f"lin_{rate_hz}"]
    assert np.linalg.norm(some - wanted) < 0.01 * np.linalg.norm(wanted)
    np.testing.assert_allclose(magnitude.sum(axis=0), fixture[f"lin_{rate_hz}_colsum"], rtol=0.01)
    wave = mel_to_wave(mel, sample_rate_hz=rate_hz).numpy()
    first, wanted = wave[:16_384], fixture[f"wav_{rate_hz}_zero_phase_reflect"]
    np.testing.assert_allclose(
        [first.std(), first.min(), first.max()], [wanted.std(), wanted.min(), wanted.max()], rtol=0.1
    )


def test_inverse_of_the_drum_clip(shared_dir):
    fixture = _fixture(shared_dir, "audio_frontend.npz")
    mel = torch.from_numpy(fixture["mel_reflect"])
    started = time.process_time()
    wave = mel_to_wave(mel)
    assert time.process_time() - started < 5  # about 0.3 s on one core
    assert (log_mel(wave) - mel).abs().mean() < 0.011


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.4, 3.0])
def test_loudness_is_met_for_short_and_long_sounds(seconds, rate_hz):
    wave = normalise_loudness(_tone(1000, seconds, 0.01, rate_hz), rate_hz, -23.0)
    assert wave.dtype == np.float32 and len(wave) == round(seconds * rate_hz)
    assert abs(loudness_lufs(wave, rate_hz) + 23) < 0.1


def test_full_scale_tone_has_the_standard_loudness():
    assert abs(loudness_lufs(_tone(997, 5.0, 1.0, 48_000), 48_000) + 3.01) < 0.05


def test_loudness_is_gain_alone_and_keeps_peaks_below_one_decibel():
    wave = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    wave[4000:4040] = np.linspace(1, -1, 40) * 0.1
    loud = normalise_loudness(wave, SAMPLE_RATE_HZ, -10.0)
    assert np.abs(loud).max() == pytest.approx(PEAK_LIMIT, rel=1e-5)
    np.testing.assert_allclose(loud / np.abs(loud).max(), wave / np.abs(wave).max(), atol=1e-6)


def test_silence_stays_silent_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for samples in (0, 10, 16_000):
            assert not normalise_loudness(np.zeros(samples), SAMPLE_RATE_HZ, -16.0).any()
        faint = np.full(16_000, 1e-7)
        np.testing.assert_allclose(normalise_loudness(faint, SAMPLE_RATE_HZ, -16.0), faint, rtol=1e-5)


def test_wav_round_trip(tmp_path):
    wave = np.concatenate([_tone(440, 0.1), [1.5, -1.5]])
    path = tmp_path / "new" / "take.wav"
    write_wav(path, wave, SAMPLE_RATE_HZ)
    again, rate_hz = read_wav(path)
    assert rate_hz == SAMPLE_RATE_HZ and again.dtype == np.float32
    np.testing.assert_allclose(again, np.clip(wave, -1, 1), atol=1 / 32_000)
    assert [file.name for file in path.parent.iterdir()] == ["take.wav"]


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(Exception):  # noqa: B017
        write_wav(tmp_path / "take.wav", np.zeros((2, 3, 4)), SAMPLE_RATE_HZ)
    assert not list(tmp_path.iterdir())


def test_unreadable_sounds_are_refused_with_a_sentence(tmp_path):
    (tmp_path / "text.wav").write_text("hello")
    for name in ("text.wav", "absent.wav"):
        with pytest.raises(FoleyError, match=name):
            read_wav(tmp_path / name)
