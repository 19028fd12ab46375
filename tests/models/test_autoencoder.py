"""The autoencoder's linear start: exact where there is nothing to lose."""

from __future__ import annotations

import torch

from rhythmic_foley.models.autoencoder import MelAutoencoder


def test_all_64_components_lose_nothing() -> None:
    """With as many components as a patch has values, the untrained round trip is the identity."""
    generator = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(64, 64, generator=generator))
    autoencoder = MelAutoencoder(latent_channels=64, width=8, depth=1)
    autoencoder.set_principal_components(torch.full((64,), 0.3), basis, torch.rand(64, generator=generator) + 0.5)
    mel = torch.rand(2, 1, 128, 64, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(autoencoder(mel), mel, rtol=0, atol=1e-4)


def test_latents_are_8_times_smaller_and_deterministic() -> None:
    autoencoder = MelAutoencoder(latent_channels=5, width=8, depth=2)
    mel = torch.rand(1, 1, 128, 512)
    with torch.no_grad():
        posterior = autoencoder.encode(mel).latent_dist
        assert posterior.mode().shape == (1, 5, 16, 64)
        assert torch.equal(posterior.mode(), posterior.sample())
        assert autoencoder.decode(posterior.mode()).sample.shape == mel.shape


def test_decoding_is_local() -> None:
    """A change in one latent column reaches only its neighbourhood: a hit cannot move another one far away."""
    autoencoder = MelAutoencoder(latent_channels=5, width=8, depth=1)
    torch.nn.init.normal_(autoencoder.finish.weight)
    latent = torch.randn(1, 5, 16, 64)
    changed = latent.clone()
    changed[..., 32] += 1
    with torch.no_grad():
        change = (autoencoder.decode(changed).sample - autoencoder.decode(latent).sample).abs().amax(dim=(0, 1, 2))
    assert change[32 * 8 : 33 * 8].min() > 0
    # Group norm sees the whole picture, so far columns move a little, but only a little.
    assert change[: 16 * 8].max() < 0.2 * change[32 * 8 : 33 * 8].max()
