"""The loop both trainings share: AdamW, a cosine, an average of the weights, and a state to resume from.

What a step sees depends on the seed and the step's number alone, so a resumed run needs no random state and ends
in the same weights as an uninterrupted one.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor, nn

from polypstudio.diffusion.ema import Ema
from polypstudio.diffusion.recipe.settings import OptimizerSettings
from polypstudio.progress import Report
from polypstudio.store.atomic import append_line, write_bytes

SAVE_SECONDS = 120.0
LOG_STEPS = 20
SHARES = 2  # parts of a batch that run side by side, one core each

Loss = Callable[[torch.Generator], dict[str, Tensor]]


def train(model: nn.Module, loss: Loss, settings: OptimizerSettings, seed: int, folder: Path, report: Report) -> float:
    """Train `model` in place and leave the averaged weights in it; returns the wall-clock seconds of all runs.

    `loss(generator)` draws one share of a batch and returns its named terms, already weighted, whose sum is descended.
    The state is kept in `folder/state.pt` every two minutes and at the end, a line of `folder/log.jsonl` every 20
    steps.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.99)
    )
    ema = Ema(parameters, settings.ema_decay)
    state_file = folder / "state.pt"
    first, spent = _restore(state_file, model, optimizer, ema)
    started = saved = time.monotonic()

    def keep(step: int) -> None:
        state = {
            "step": step,
            "seconds": spent + time.monotonic() - started,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "average": ema.averages,
        }
        content = io.BytesIO()
        torch.save(state, content)
        write_bytes(state_file, content.getvalue())

    for step in range(first, settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings)
        terms = _descend(loss, parameters, seed, step)
        nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
        optimizer.step()
        done = step + 1
        ema.update(done)

        if done % LOG_STEPS == 0 or done == settings.steps:
            pace = (time.monotonic() - started) / (done - first)
            append_line(folder / "log.jsonl", json.dumps({"step": done, **terms, "s/step": round(pace, 3)}))
            report(done, settings.steps, folder.name)
        if time.monotonic() - saved > SAVE_SECONDS or done == settings.steps:
            keep(done)
            saved = time.monotonic()

    with torch.no_grad():
        torch._foreach_copy_([*parameters], ema.averages)
    return spent + time.monotonic() - started


def _descend(loss: Loss, parameters: list[nn.Parameter], seed: int, step: int) -> dict[str, float]:
    """Set the gradients of one step, the mean over the batch's shares; returns the mean of each loss term.

    Each share runs in a thread of its own: on a busy machine two threads that meet once a step lose far less to
    waiting than one operation at a time split over two cores.
    """

    def share(index: int) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
        terms = loss(torch.Generator().manual_seed((seed * 1_000_003 + step) * SHARES + index))
        return terms, torch.autograd.grad(sum(terms.values(), torch.zeros(())), parameters)

    with ThreadPoolExecutor(SHARES) as pool:
        (first_terms, first), *others = pool.map(share, range(SHARES))
    for parameter, *gradients in zip(parameters, first, *(g for _, g in others), strict=True):
        parameter.grad = torch.stack(gradients).mean(dim=0)
    shares = [first_terms, *(terms for terms, _ in others)]
    return {name: round(sum(float(t[name].detach()) for t in shares) / SHARES, 6) for name in first_terms}


def _schedule(step: int, settings: OptimizerSettings) -> float:
    """Share of the learning rate: a linear warm-up, then a cosine down to 2 percent."""
    warm_up = min(1.0, (step + 1) / settings.warm_up)
    return warm_up * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / settings.steps)))


def _restore(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, ema: Ema) -> tuple[int, float]:
    """Take up the state of an interrupted run; returns the next step and the seconds spent so far."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch._foreach_copy_(ema.averages, state["average"])
    return state["step"], state["seconds"]
