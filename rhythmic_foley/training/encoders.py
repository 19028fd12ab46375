"""Stages 1 and 2: the autoencoder and the aligned encoder. Both begin at a PCA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.autoencoder import PATCH, MelAutoencoder
from rhythmic_foley.training.batches import Windows
from rhythmic_foley.training.loop import Schedule, train
from rhythmic_foley.training.prepare import SceneSet

# Between 0.5 (as the components are, the first drowning all others) and 0 (all alike, noise included).
_LATENT_EXPONENT = 0.3
_TOKEN_EXPONENT = 0.25


def fit_autoencoder(autoencoder: MelAutoencoder, scenes: SceneSet, *, patches: int = 400_000, seed: int = 0) -> float:
    """Sets the encoder to the PCA of 8x8 patches.

    Returns:
        Mean absolute error of the linear round trip on the [-1, 1] scale.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(scenes.mels), size=min(len(scenes.mels), 600), replace=False))
    mels = torch.from_numpy(scenes.mels[rows]).float() / 255
    cut = F.unfold(mels[:, None], PATCH, stride=PATCH).transpose(1, 2).reshape(-1, PATCH * PATCH)
    cut = cut[torch.from_numpy(rng.choice(len(cut), size=min(len(cut), patches), replace=False))].double()
    mean = cut.mean(dim=0)
    variances, vectors = torch.linalg.eigh((cut - mean).T @ (cut - mean) / len(cut))
    channels = autoencoder.config.latent_channels
    components, variances = vectors.T.flip(0)[:channels], variances.flip(0)[:channels]
    autoencoder.set_principal_components(mean.float(), components.float(), _scales(variances, _LATENT_EXPONENT))
    with torch.no_grad():
        back = autoencoder.linear_decoder(autoencoder.encoder(mels[:64, None]))
    return 2 * float((back - mels[:64, None]).abs().mean())


def train_autoencoder(autoencoder: MelAutoencoder, scenes: SceneSet, schedule: Schedule, run: Path) -> None:
    """Trains the decoder alone: mean absolute error of the mel and of its changes in time and in frequency."""
    autoencoder.encoder.requires_grad_(False)
    columns = 16 * PATCH

    def loss_of(step: int) -> torch.Tensor:
        rng = np.random.default_rng((1, step))
        rows, starts = rng.integers(len(scenes.mels), size=16), rng.integers(scenes.mels.shape[2] - columns, size=16)
        cut = np.stack([scenes.mels[r, :, s : s + columns] for r, s in zip(rows, starts, strict=True)])
        mel = torch.from_numpy(cut).to(autoencoder.device).float()[:, None] / 255
        back = autoencoder(mel).float()
        error = back - mel
        return error.abs().mean() + 0.25 * (error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean())

    train(autoencoder, loss_of, schedule, run)


def fit_audio_projection(encoder: AlignedEncoder, scenes: SceneSet) -> None:
    """Sets the audio side's projection to a PCA of YAMNet's embeddings, with unit mean square."""
    sample = torch.from_numpy(scenes.embeddings[:2000].reshape(-1, scenes.embeddings.shape[-1])).double()
    mean = sample.mean(dim=0)
    variances, vectors = torch.linalg.eigh((sample - mean).T @ (sample - mean) / len(sample))
    dim = encoder.config.token_dim
    components, variances = vectors.T.flip(0)[:dim].float(), variances.flip(0)[:dim]
    weight = components * _scales(variances, _TOKEN_EXPONENT)[:, None]
    with torch.no_grad():
        encoder.audio_projection.weight.copy_(weight)
        encoder.audio_projection.bias.copy_(-weight @ mean.float())


def train_aligned_encoder(encoder: AlignedEncoder, windows: Windows, schedule: Schedule, run: Path) -> None:
    """Trains the event side to give the audio side's tokens, and clips to be told apart (CAVP's semantic loss)."""
    encoder.yamnet.requires_grad_(False)
    encoder.audio_projection.requires_grad_(False)

    def loss_of(step: int) -> torch.Tensor:
        batch = windows.draw(step, 64, seed=2).to(encoder.device)
        tokens = encoder.encode_events(batch.event_timeline).float()
        ours = F.normalize(tokens.mean(dim=1), dim=-1)
        theirs = F.normalize(batch.audio_tokens.mean(dim=1), dim=-1)
        similarity = ours @ theirs.T / 0.07
        target = torch.arange(len(similarity), device=similarity.device)
        contrast = 0.5 * (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target))
        return F.mse_loss(tokens, batch.audio_tokens) + 0.05 * contrast

    train(encoder, loss_of, schedule, run)


def _scales(variances: torch.Tensor, exponent: float) -> torch.Tensor:
    """Factors that give component k the standard deviation variance_k ** exponent, and unit mean square over all."""
    deviations = variances.clamp(min=1e-12) ** exponent
    deviations = deviations / (deviations**2).mean().sqrt()
    return (deviations / variances.clamp(min=1e-12).sqrt()).float()
