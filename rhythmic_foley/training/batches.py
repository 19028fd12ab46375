"""Batches of windows cut from prepared scenes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from rhythmic_foley.models.aligned_encoder import AlignedEncoder, event_timeline
from rhythmic_foley.models.autoencoder import PATCH, MelAutoencoder
from rhythmic_foley.training.prepare import SceneSet
from rhythmic_foley.training.wordings import Wordings

WINDOW_TOKENS = 32
WINDOW_FRAMES = 512
WINDOW_S = 8.192
_FRAMES_PER_TOKEN = WINDOW_FRAMES // WINDOW_TOKENS
_TOKEN_S = WINDOW_S / WINDOW_TOKENS


@dataclass(frozen=True)
class Batch:
    """B windows.

    Attributes:
        latents: (B, C, 16, 64).
        audio_tokens: (B, 32, D).
        event_timeline: (B, 32, text + 1), spans sometimes wider than what sounds, as a person draws them.
        onset_mask: (B, 1, 512) strengths.
        captions: for each window its events in words: the caption, or one of its other wordings.
    """

    latents: torch.Tensor
    audio_tokens: torch.Tensor
    event_timeline: torch.Tensor
    onset_mask: torch.Tensor
    captions: list[list[str]]

    def to(self, device: torch.device) -> Batch:
        tensors = (self.latents, self.audio_tokens, self.event_timeline, self.onset_mask)
        return Batch(*(tensor.to(device) for tensor in tensors), self.captions)


class Windows:
    """Draws windows from scenes, by a seed and the step number alone."""

    def __init__(
        self,
        scenes: SceneSet,
        autoencoder: MelAutoencoder,
        encoder: AlignedEncoder,
        wordings: Wordings,
        text_embeddings: torch.Tensor,
        *,
        text_noise: float = 0.0,
    ) -> None:
        """Encodes all scenes once.

        Args:
            scenes: where the windows are cut from.
            autoencoder: gives the latents.
            encoder: gives the audio tokens.
            wordings: what may be said for each of `scenes.names`.
            text_embeddings: (texts, D) of unit length, in the order of `wordings.texts`.
            text_noise: root mean square length of the Gaussian noise that each event's embedding gets.
        """
        self.scenes = scenes
        self.wordings = wordings
        self.text_noise = text_noise
        self.latents = _encode_mels(scenes.mels, autoencoder)
        with torch.no_grad():
            self.tokens = encoder.project_audio(torch.from_numpy(scenes.embeddings).float()).half()
        self.text = torch.cat([text_embeddings, torch.zeros(1, text_embeddings.shape[1])])  # index -1: no event

    def draw(self, step: int, size: int, *, seed: int = 0) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng((seed, step))
        rows = rng.integers(len(self.scenes.mels), size=size)
        starts = rng.integers(0, self.tokens.shape[1] - WINDOW_TOKENS + 1, size=size)
        latents = torch.stack([self._latents(r, s).float() for r, s in zip(rows, starts, strict=True)])
        tokens = torch.stack([self._tokens(r, s).float() for r, s in zip(rows, starts, strict=True)])
        masks = np.stack([self._mask(r, s) for r, s in zip(rows, starts, strict=True)])
        spans_s = self.scenes.spans_s[rows] - (starts * _TOKEN_S)[:, None, None]
        captions = torch.from_numpy(self.scenes.captions[rows]).long()
        present = (captions >= 0) & torch.from_numpy((spans_s[..., 1] > 0) & (spans_s[..., 0] < WINDOW_S))
        captions = torch.where(present, captions, -1)
        drawn_s = self._drawn(spans_s, rng)
        words = torch.from_numpy(self.wordings.draw(captions.numpy(), rng))
        timeline = event_timeline(self._embeddings(words, rng), drawn_s, WINDOW_TOKENS, WINDOW_S)
        names = [[self.wordings.texts[w] for w in row if w >= 0] for row in words.tolist()]
        return Batch(latents, tokens, timeline, torch.from_numpy(masks).float()[:, None], names)

    def _latents(self, row: int, start: int) -> torch.Tensor:
        columns = _FRAMES_PER_TOKEN // PATCH
        return self.latents[row, :, :, start * columns : (start + WINDOW_TOKENS) * columns]

    def _tokens(self, row: int, start: int) -> torch.Tensor:
        return self.tokens[row, start : start + WINDOW_TOKENS]

    def _mask(self, row: int, start: int) -> np.ndarray:
        return self.scenes.masks[row, start * _FRAMES_PER_TOKEN : (start + WINDOW_TOKENS) * _FRAMES_PER_TOKEN]

    def _embeddings(self, words: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """(B, E) -> (B, E, D): noisy, but of unit length as all embeddings are, and zeros for no event."""
        exact = self.text[words]
        if not self.text_noise:
            return exact
        noise = torch.from_numpy(rng.standard_normal(exact.shape, dtype=np.float32)) / exact.shape[-1] ** 0.5
        return F.normalize(exact + self.text_noise * noise, dim=-1) * (words >= 0)[..., None]

    @staticmethod
    def _drawn(spans_s: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
        """Some spans grow to either edge of the window: people often describe a whole clip with one line."""
        grown = np.stack([np.zeros_like(spans_s[..., 0]), np.full_like(spans_s[..., 1], WINDOW_S)], axis=-1)
        wide = rng.random((len(spans_s), 1, 1)) < 0.35
        return torch.from_numpy(np.where(wide, grown, spans_s)).float()


@torch.no_grad()
def _encode_mels(mels: np.ndarray, autoencoder: MelAutoencoder, chunk: int = 64) -> torch.Tensor:
    parts = []
    for start in range(0, len(mels), chunk):
        mel = torch.from_numpy(mels[start : start + chunk]).float()[:, None] / 255
        parts.append(autoencoder.encode(mel).latent_dist.mode().half())
    return torch.cat(parts)
