"""One training loop for every stage: accelerate, EMA, resumable to the step, a log one can plot.

One process on a CPU, one on a GPU, or many: `accelerate launch` or `torchrun` starts them, the code is the same. Each
process draws its own batches, so that n processes train as on batches n times as large.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from diffusers.training_utils import EMAModel
from torch import nn


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: optimiser steps in all; the learning rate falls to zero along a cosine by then.
        learning_rate: its peak, reached after `warmup` steps.
        ema_decay: of the averaged weights that are kept in the end.
        save_every_s: seconds between resumable checkpoints.
        log_every: steps between lines of the log.
    """

    steps: int
    learning_rate: float
    warmup: int = 100
    weight_decay: float = 1e-3
    ema_decay: float = 0.998
    save_every_s: float = 240.0
    log_every: int = 20


def train(module: nn.Module, loss_of: Callable[[int], torch.Tensor], schedule: Schedule, run: Path) -> None:
    """Trains the parameters of `module` that require gradients and leaves its averaged weights in it.

    Args:
        module: what is trained; the closure `loss_of` must use this very object.
        loss_of: from the number of a draw to a scalar loss. It takes its data by that number alone, so that a run that
            was stopped and resumed sees what an unbroken run sees. With one process the draw is the step.
        schedule: see there.
        run: folder for the log (`log.jsonl`) and the resumable state.
    """
    accelerator = Accelerator(mixed_precision="bf16")
    module.to(accelerator.device)
    parameters = [p for p in module.parameters() if p.requires_grad]
    _share_weights(parameters)
    optimizer = torch.optim.AdamW(
        parameters, schedule.learning_rate, (0.9, 0.99), weight_decay=schedule.weight_decay, fused=True
    )
    ema = EMAModel(parameters, decay=schedule.ema_decay, use_ema_warmup=True, power=0.75)
    progress = _Progress()
    # Not wrapped for many processes, since `loss_of` calls any part of it: gradients are averaged below.
    module = accelerator.prepare_model(module, evaluation_mode=True)
    optimizer = accelerator.prepare_optimizer(optimizer)
    ema.to(accelerator.device)
    accelerator.register_for_checkpointing(ema, progress)
    state = next((state for name in ("state", "state.old") if (state := run / name).exists()), None)
    if state is not None:
        accelerator.load_state(state)
    run.mkdir(parents=True, exist_ok=True)
    saved_s, losses = time.monotonic(), []
    module.train()
    while progress.step < schedule.steps:
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate * _rate(progress.step, schedule)
        with accelerator.autocast():
            loss = loss_of(progress.step * accelerator.num_processes + accelerator.process_index)
        accelerator.backward(loss)
        _average_gradients(accelerator, parameters)
        accelerator.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.step(parameters)
        losses.append(loss.item())
        progress.step += 1
        if progress.step % schedule.log_every == 0 and accelerator.is_main_process:
            _log(run, progress.step, losses)
            losses = []
        if _any(accelerator, time.monotonic() - saved_s > schedule.save_every_s):
            _save(accelerator, run)
            saved_s = time.monotonic()
    _save(accelerator, run)
    ema.copy_to(parameters)
    module.eval()


def _save(accelerator: Accelerator, run: Path) -> None:
    """Writes the resumable state beside the one before, so that a run that is killed meanwhile still has that."""
    state, new, old = run / "state", run / "state.new", run / "state.old"
    accelerator.save_state(new)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        if state.exists():
            shutil.rmtree(old, ignore_errors=True)
            state.rename(old)
        new.rename(state)
        shutil.rmtree(old, ignore_errors=True)
    accelerator.wait_for_everyone()


def _share_weights(parameters: list[nn.Parameter]) -> None:
    """All processes begin with the first one's weights."""
    for parameter in parameters:
        parameter.data.copy_(broadcast(parameter.data))


def _average_gradients(accelerator: Accelerator, parameters: list[nn.Parameter]) -> None:
    if accelerator.num_processes == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    mean = accelerator.reduce(torch.cat([g.flatten() for g in gradients]), "mean")
    for gradient, part in zip(gradients, mean.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def _any(accelerator: Accelerator, mine: bool) -> bool:
    """Whether it is true in any process, so that all do the same; their clocks differ."""
    if accelerator.num_processes == 1:
        return mine
    return bool(accelerator.reduce(torch.tensor(float(mine), device=accelerator.device), "sum") > 0)


class _Progress:
    """The step number, as something accelerate can checkpoint."""

    step = 0

    def state_dict(self) -> dict[str, int]:
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.step = state["step"]


def _rate(step: int, schedule: Schedule) -> float:
    warm = min(1.0, (step + 1) / max(1, schedule.warmup))
    return warm * 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * step / schedule.steps))))


def _log(run: Path, step: int, losses: list[float]) -> None:
    line = {"step": step, "loss": round(sum(losses) / len(losses), 5), "time": round(time.time(), 1)}
    with open(run / "log.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(line, flush=True)
