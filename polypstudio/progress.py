"""How long work says how far it is: one callable, given by whoever started the work."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Called with what is done of the total, in the step's own unit, and a few words."""

    def __call__(self, done: float, total: float, message: str = "") -> None: ...


def silent(done: float, total: float, message: str = "") -> None:
    """A report to nobody."""
