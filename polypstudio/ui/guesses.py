"""Slows down whoever tries out personal links or image addresses: past a few wrong ones, one more each second."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

FREE = 10  # wrong tokens in ten minutes that nobody has to wait for: a mistyped or a replaced link
MEMORY_SECONDS = 600.0
WAIT_SECONDS = 1.0
QUEUE = 10  # of those who wait their second at once; the rest is turned away unheard
MOST_CLIENTS = 10_000
MOST_RIGHT = 100_000


class TooManyGuesses(Exception):
    """A client that has guessed wrong again and again asks too much at once."""


@dataclass
class _Line:
    """Those of one client whose token is not known yet, one after the other."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Guesses:
    """Remembers, by client address, wrong tokens; and the tokens that are right, whose holders never wait.

    A token that is not known yet is looked up alone: so many wrong ones that come at once are counted one by one, and so
    many right ones, of readers behind one address who come back to a server that has just started, are no guesses.
    """

    def __init__(self, wait: float = WAIT_SECONDS) -> None:
        self.wait = wait
        self._right: OrderedDict[str, None] = OrderedDict()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._lines: dict[str, _Line] = {}

    async def hear(self, client: str, token: str, find: Callable[[], Awaitable[T | None]]) -> T | None:
        """What ``find`` makes of a token: None if it is nobody's. Raises TooManyGuesses if it is not looked up at all."""
        if token in self._right:
            return await find()
        async with self._turn(client) as line:
            wrong = self._recent(client)
            if len(wrong) >= FREE:
                if line.length > QUEUE:
                    raise TooManyGuesses
                await asyncio.sleep(self.wait)
            found = await find()
            if found is None:
                wrong.append(time.monotonic())
            else:
                self.right(token)
            return found

    def right(self, token: str) -> None:
        """The token is somebody's."""
        self._right[token] = None
        while len(self._right) > MOST_RIGHT:
            self._right.popitem(last=False)

    def spent(self, token: str) -> None:
        """The token is nobody's any more."""
        self._right.pop(token, None)

    @asynccontextmanager
    async def _turn(self, client: str) -> AsyncIterator[_Line]:
        line = self._lines.setdefault(client, _Line())
        line.length += 1
        try:
            async with line.turn:
                yield line
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[client]

    def _recent(self, client: str) -> deque[float]:
        """The times of the client's wrong tokens that are remembered."""
        wrong = self._wrong.setdefault(client, deque())
        self._wrong.move_to_end(client)
        while wrong and wrong[0] < time.monotonic() - MEMORY_SECONDS:
            wrong.popleft()
        while len(self._wrong) > MOST_CLIENTS:
            self._wrong.popitem(last=False)
        return wrong
