"""Run by torchrun in a test: each process trains and leaves its weights, at the start and in the end."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn
from torch.nn import functional as F

from rhythmic_foley.training.full.contrastive import contrastive_loss, gathered
from rhythmic_foley.training.loop import Schedule, train

SCHEDULE = Schedule(steps=40, learning_rate=0.05, warmup=1, ema_decay=0.0, log_every=10)


def loss(module: nn.Module, draw: int) -> torch.Tensor:
    """A linear map to find, from a few points of which each draw has its own."""
    points = torch.randn(8, 4, generator=torch.Generator().manual_seed(draw))
    return (module(points).float() - points.sum(dim=1, keepdim=True)).square().mean()


def contrast(module: nn.Module, rows: slice) -> torch.Tensor:
    """Contrastive loss of this process's videos among all of them."""
    pictures, sounds = torch.randn(2, 12, 4, generator=torch.Generator().manual_seed(0))
    video, audio = (F.normalize(gathered(module(part[rows])), dim=-1) for part in (pictures, sounds))
    return contrastive_loss(video, audio, torch.tensor(3.0))


def main(out: Path) -> None:
    rank = PartialState(cpu=True).process_index
    torch.manual_seed(rank)  # so that the processes begin with other weights
    module = nn.Linear(4, 1)
    torch.save(module.state_dict(), out / f"start{rank}.pt")
    train(module, lambda draw: loss(module, draw), SCHEDULE, out / "run")
    torch.save(module.state_dict(), out / f"end{rank}.pt")

    torch.manual_seed(0)
    contrasted = nn.Linear(4, 3)
    contrast(contrasted, slice(6 * rank, 6 * rank + 6)).backward()
    torch.save(contrasted.weight.grad, out / f"contrast{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
