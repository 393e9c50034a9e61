"""Stopping long work where it can be taken up again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Stop = Callable[[], bool]  # whether a stop was requested


class Stopped(Exception):
    """Raised where work was stopped on request, after its state was saved. The message says how to resume."""


def never() -> bool:
    """A request to stop that never comes."""
    return False


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Turns SIGINT and SIGTERM into a request: yields a function that is True once one has come.

    A second signal acts as it would have without this block, so that Ctrl-C twice ends at once. Main thread only.
    """
    requested = False
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def request(number: int, frame: FrameType | None) -> None:
        nonlocal requested
        requested = True
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, request)
    try:
        yield lambda: requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
