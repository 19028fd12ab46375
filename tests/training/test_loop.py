"""The loop with several processes, and one that is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from training.two_processes import SCHEDULE, contrast, loss

from rhythmic_foley.training.loop import train


def test_two_processes_train_as_one_on_twice_the_batch(tmp_path: Path) -> None:
    script = Path(__file__).with_name("two_processes.py")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    subprocess.run([*launch, str(script), str(tmp_path)], check=True, env=environment, timeout=240)

    module = nn.Linear(4, 1)
    module.load_state_dict(torch.load(tmp_path / "start0.pt"))
    train(module, lambda draw: (loss(module, 2 * draw) + loss(module, 2 * draw + 1)) / 2, SCHEDULE, tmp_path / "one")

    ends = [torch.load(tmp_path / f"end{rank}.pt") for rank in (0, 1)]
    for name, value in module.state_dict().items():
        assert torch.equal(ends[0][name], ends[1][name])
        torch.testing.assert_close(ends[0][name], value, atol=2e-2, rtol=0)  # bfloat16 in between

    torch.manual_seed(0)
    alone = nn.Linear(4, 3)
    contrast(alone, slice(None)).backward()
    mean = sum(torch.load(tmp_path / f"contrast{rank}.pt") for rank in (0, 1)) / 2
    torch.testing.assert_close(mean, alone.weight.grad, msg="the others are seen, and gradients find back")

    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert steps == [10, 20, 30, 40], "only one of them writes the log"


def test_a_run_killed_while_it_saves_goes_on_from_the_state_before(tmp_path: Path) -> None:
    """The worst moment: the state before is set aside, the new one is not in its place yet."""

    def run(steps: int, seed: int, folder: Path) -> nn.Module:
        torch.manual_seed(seed)
        module = nn.Linear(4, 1)

        def loss_of(draw: int) -> torch.Tensor:
            if draw == steps:
                raise KeyboardInterrupt
            return loss(module, draw)

        with pytest.raises(KeyboardInterrupt) if steps < SCHEDULE.steps else nullcontext():
            train(module, loss_of, replace(SCHEDULE, save_every_s=0.0), folder)
        return module

    unbroken = run(SCHEDULE.steps, 0, tmp_path / "unbroken")
    killed = tmp_path / "killed"
    run(7, 0, killed)
    (killed / "state").rename(killed / "state.old")
    (killed / "state.new").mkdir()
    (killed / "state.new" / "model.safetensors").write_bytes(b"half a fi")
    resumed = run(SCHEDULE.steps, 1, killed)
    assert torch.equal(resumed.weight, unbroken.weight) and torch.equal(resumed.bias, unbroken.bias)
    assert sorted(path.name for path in killed.iterdir()) == ["log.jsonl", "state"]
