"""Work that is killed (-9) at random moments and taken up again."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from typing import Any

MOST_STARTS = 400


def context() -> multiprocessing.context.ForkServerContext:
    """Starts processes that have torch and diffusers imported already, so that a kill hits the work, not the import."""
    started = multiprocessing.get_context("forkserver")
    started.set_forkserver_preload(["polypstudio.diffusion.train", "polypstudio.diffusion.sample", "tiny_sd"])
    return started


def seconds_of(work: Callable[..., None], *arguments: Any) -> float:
    """Runs the work to its end in a process of its own, and says how long it took."""
    process = context().Process(target=work, args=arguments)
    began = time.monotonic()
    process.start()
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


def kill_until_done(
    work: Callable[..., None], arguments: tuple[Any, ...], seconds: float, kills: int, check: Callable[[], None]
) -> int:
    """Starts the work, kills it after a random part of ``seconds``, ``kills`` times, and lets it end; ``check`` follows
    each end. Returns how often it was killed; the seed of the moments is printed."""
    seed = random.randrange(10**6)
    print(f"kill seed {seed}")
    chance = random.Random(seed)
    killed = 0
    for _ in range(MOST_STARTS):
        process = context().Process(target=work, args=arguments)
        process.start()
        if killed < kills:
            process.join(chance.uniform(0.02, 0.9) * seconds)
            process.kill()
        process.join()
        check()
        killed += process.exitcode == -signal.SIGKILL
        if process.exitcode == 0:
            return killed
    raise AssertionError(f"not done after {MOST_STARTS} starts (kill seed {seed})")
