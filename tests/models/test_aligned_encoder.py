"""Events on the tokens of a window, and sound as tokens."""

from __future__ import annotations

import torch

from rhythmic_foley.models.aligned_encoder import event_timeline
from rhythmic_foley.models.sizes import TOY, new_aligned_encoder


def test_events_lie_on_their_tokens() -> None:
    embeddings = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])  # two events and an empty row
    spans_s = torch.tensor([[[0.0, 2.0], [1.0, 3.0], [0.0, 4.0]]])
    timeline = event_timeline(embeddings, spans_s, tokens=4, window_s=4.0)
    torch.testing.assert_close(
        timeline[0], torch.tensor([[1.0, 0.0, 1.0], [0.5, 0.5, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    )


def test_part_of_a_token_counts_in_part() -> None:
    timeline = event_timeline(torch.tensor([[[1.0]]]), torch.tensor([[[0.5, 1.25]]]), tokens=2, window_s=2.0)
    torch.testing.assert_close(timeline[0], torch.tensor([[0.5, 0.5], [0.25, 0.25]]))


def test_both_sides_give_tokens_of_one_size() -> None:
    encoder = new_aligned_encoder(TOY).eval()
    with torch.no_grad():
        assert encoder.encode_audio(torch.randn(131_072) * 0.1).shape == (1, 32, TOY.token_dim)
        assert encoder.encode_events(torch.zeros(2, 32, TOY.text_dim + 1)).shape == (2, 32, TOY.token_dim)


def test_event_tokens_follow_their_events() -> None:
    """What sounds at the end does not reach tokens at the beginning by more than normalisation does."""
    torch.manual_seed(0)
    encoder = new_aligned_encoder(TOY).eval()
    quiet = torch.zeros(1, 32, TOY.text_dim + 1)
    late = quiet.clone()
    late[:, 24:] = 1.0
    with torch.no_grad():
        change = (encoder.encode_events(late) - encoder.encode_events(quiet)).abs().mean(dim=(0, 2))
    assert change[26:].min() > 3 * change[:8].max()


def test_shipped_audio_side_tells_sounds_apart(shared_dir: object) -> None:
    """Tokens of two halves of one real sound are nearer to each other than to another sound's."""
    import soundfile
    from toy import CHECKPOINT

    from rhythmic_foley.models.aligned_encoder import AlignedEncoder

    encoder = AlignedEncoder.from_pretrained(CHECKPOINT / "aligned_encoder", dtype=torch.float32).eval()
    sounds = shared_dir / "data" / "sounds"
    halves = []
    for group in ("weather", "vehicle", "drum"):
        path = max(sounds.glob(f"{group}_*.flac"), key=lambda p: p.stat().st_size)
        wave = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
        with torch.no_grad():
            halves += [encoder.encode_audio(part).mean(dim=1) for part in wave.chunk(2)]
    tokens = torch.nn.functional.normalize(torch.cat(halves), dim=-1)
    nearest = (tokens @ tokens.T - 2 * torch.eye(6)).argmax(dim=1)
    assert nearest.tolist() == [1, 0, 3, 2, 5, 4]
