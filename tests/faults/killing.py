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


def kill_and_resume(
    work: Callable[..., None],
    arguments: tuple[Any, ...],
    seconds: float,
    kills: int,
    *,
    ended: Callable[[], None],
    done: Callable[[], None],
    anew: Callable[[], None],
) -> None:
    """Starts the work and kills it after a random part of ``seconds``, until it was killed ``kills`` times.

    ``ended`` follows each end, ``done`` those at which the work was done; then ``anew`` makes it begin from nothing. The
    last time it is left alone until it is done. The seed of the moments is printed.
    """
    seed = random.randrange(10**6)
    chance, killed, finished = random.Random(seed), 0, 0
    for _ in range(MOST_STARTS):
        process = context().Process(target=work, args=arguments)
        process.start()
        if killed < kills:
            process.join(chance.uniform(0.02, 0.9) * seconds)
            process.kill()
        process.join()
        ended()
        killed += process.exitcode == -signal.SIGKILL
        if process.exitcode == 0:
            done()
            finished += 1
            if killed >= kills:
                print(
                    f"{work.__name__}: killed {killed} times in {finished} runs, each as if never killed (seed {seed})"
                )
                return
            anew()
    raise AssertionError(f"not done after {MOST_STARTS} starts (kill seed {seed})")
