"""Processes that do one piece of work together, as `torchrun` or `accelerate launch --multi_gpu` start them.

Each knows its rank from its environment. All of them walk through the same steps; what only one may do (locks, files,
words on the terminal) is the main process's. With one process everything here costs nothing, not even torch's import.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE = timedelta(hours=24)  # the others wait while the main process does what it alone can do


def count() -> int:
    """How many processes work together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this one is; 0 is the main one."""
    return int(os.environ.get("RANK", "0"))


def is_main() -> bool:
    return rank() == 0


def state() -> Any:
    """accelerate's view of this process and its device; joins the others where there are any."""
    from accelerate import PartialState

    return PartialState(cpu=on_cpu(), **({"timeout": _PATIENCE} if count() > 1 else {}))


def on_cpu() -> bool:
    """Whether the processes meet on the CPU (by gloo): asked for, or for want of a GPU. accelerate has to be told."""
    import torch

    asked = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    return asked or (count() > 1 and not torch.cuda.is_available())


def wait() -> None:
    """Returns when all processes have come here."""
    if count() > 1:
        state().wait_for_everyone()


def agreed(value: T) -> T:
    """What the main process calls with, in all processes."""
    if count() == 1:
        return value
    import torch.distributed

    state()
    values = [value]
    torch.distributed.broadcast_object_list(values, src=0)
    return values[0]


def gathered(value: T) -> list[T]:
    """What each process calls with, by rank, in all processes."""
    if count() == 1:
        return [value]
    import torch.distributed

    state()
    values: list[Any] = [None] * count()
    torch.distributed.all_gather_object(values, value)
    return values
