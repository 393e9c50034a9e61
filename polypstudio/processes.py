"""Processes that do one piece of work together, as `accelerate launch` or `torchrun` start them.

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

    return PartialState(**({"timeout": _PATIENCE} if count() > 1 else {}))


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
