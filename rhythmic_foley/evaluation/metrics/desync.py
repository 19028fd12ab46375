"""DeSync: how far sound and picture are apart in time, as Synchformer hears and sees it. As av-benchmark computes it.

The first and the last 4.8 s of (at most) 8 s are each classified over 21 offsets; the score is the mean distance of
both top classes from being in time.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from rhythmic_foley.evaluation.metrics.distances import desync_s
from rhythmic_foley.evaluation.metrics.onset_metrics import resample
from rhythmic_foley.models.synchformer import Synchformer, SynchformerSize
from rhythmic_foley.weights.synchformer import read_synchformer

LONGEST_S = 8.0
_FPS = 25
_RATE_HZ = 16_000
_N_FFT, _WINDOW, _HOP = 1024, 400, 160
_MEAN, _STD = -4.2677393, 4.5689974
_AT_ONCE = 4  # segments


class DeSync:
    """Scores sounds against clips, keeping what it saw of each clip."""

    head = f"DeSync (Synchformer, first {LONGEST_S:g} s, in s)"

    def __init__(self, network: Synchformer, device: str = "cpu") -> None:
        self.network, self.device = network.to(device).eval(), device
        self._seen: dict[Path, torch.Tensor] = {}

    @classmethod
    def load(cls, path: str | Path) -> DeSync:
        """Reads the published weights; on a GPU if there is one.

        Raises:
            FoleyError: if the file is not Synchformer's.
        """
        return cls(read_synchformer(path), "cuda" if torch.cuda.is_available() else "cpu")

    @torch.inference_mode()
    def score(self, wave: np.ndarray, sample_rate_hz: int, video: Path, seconds: float) -> float | None:
        """Seconds apart, of a sound (N,) and a clip's picture; None if they share less than 4.8 s.

        Raises:
            FoleyError: if the clip cannot be read.
        """
        size = self.network.size
        if video not in self._seen:
            self._seen[video] = self._look(video)
        waves = sound_segments(resample(wave, sample_rate_hz, _RATE_HZ), size)
        common = min(len(self._seen[video]), len(waves), _count(int(min(seconds, LONGEST_S) * _FPS), size))
        if common < size.segments:
            return None
        seen = self._seen[video][:common]
        heard = self.network.audio(segment_mels(waves[:common], size).to(self.device))
        windows = (slice(None, size.segments), slice(common - size.segments, None))
        logits = [self.network.sync(seen[window], heard[window]).cpu() for window in windows]
        return desync_s(torch.stack(logits).numpy())

    def _look(self, video: Path) -> torch.Tensor:
        """(segments, video tokens, width)."""
        size = self.network.size
        frames = _frames(video, size.side)
        step, seen = size.frames // 2, []
        starts = [step * index for index in range(_count(len(frames), size))]
        for first in range(0, len(starts), _AT_ONCE):
            batch = np.stack([frames[start : start + size.frames] for start in starts[first : first + _AT_ONCE]])
            pixels = torch.from_numpy(batch).to(self.device).permute(0, 4, 1, 2, 3)
            seen.append(self.network.video(pixels.float() / 127.5 - 1))
        return torch.cat(seen) if seen else torch.empty(0)


def _count(frames: int, size: SynchformerSize) -> int:
    """Segments, each half over the one before."""
    return max(0, (frames - size.frames) // (size.frames // 2) + 1)


def _frames(video: Path, side: int) -> np.ndarray:
    """uint8 (frames, side, side, 3): the middle of the first 8 s at 25 frames a second, the shorter side scaled."""
    from rhythmic_foley.media.reading import probe, read_frames

    info = probe(video)
    shorter = min(info.width, info.height)
    width, height = (max(side, side * length // shorter) for length in (info.width, info.height))
    top, left = round((height - side) / 2), round((width - side) / 2)
    # Half a slot late: each slot then shows the frame nearest to its time, as the fps filter does that others use.
    slots = read_frames(video, _FPS, (width, height), start_s=0.5 / _FPS, end_s=LONGEST_S + 0.5 / _FPS)
    frames = [frame[top : top + side, left : left + side] for _, frame in slots]
    return np.stack(frames) if frames else np.zeros((0, side, side, 3), np.uint8)


def sound_segments(wave: np.ndarray, size: SynchformerSize) -> np.ndarray:
    """(N,) at 16 kHz -> (segments, samples), as many as fit, each half over the one before."""
    length = size.frames * _RATE_HZ // _FPS
    if len(wave) < length:
        return np.zeros((0, length), np.float32)
    return np.lib.stride_tricks.sliding_window_view(wave, length)[:: length // 2].copy()


def segment_mels(waves: np.ndarray, size: SynchformerSize) -> torch.Tensor:
    """(segments, samples) at 16 kHz -> normalised (segments, bands, columns)."""
    spectrum = torch.stft(
        torch.from_numpy(waves),
        _N_FFT,
        _HOP,
        _WINDOW,
        torch.hann_window(_WINDOW),
        pad_mode="reflect",
        return_complex=True,
    )
    mels = torch.log(_filters(size.bands) @ spectrum.abs().square() + 1e-6)
    mels = F.pad(mels, (0, max(0, size.columns - mels.shape[-1])))[..., : size.columns]  # zeros among logarithms
    return (mels - _MEAN) / (2 * _STD)


@lru_cache
def _filters(bands: int) -> torch.Tensor:
    import librosa

    return torch.from_numpy(librosa.filters.mel(sr=_RATE_HZ, n_fft=_N_FFT, n_mels=bands, htk=True, norm=None))
