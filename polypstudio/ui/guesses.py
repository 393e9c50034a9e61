"""Slows down whoever tries out personal links: past a few wrong ones, one more each second, whatever comes at once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, defaultdict, deque

FREE = 10  # wrong tokens in ten minutes that nobody has to wait for: a mistyped or a replaced link
MEMORY_SECONDS = 600.0
WAIT_SECONDS = 1.0
QUEUE = 10  # who comes when so many wait is turned away unheard
MOST_CLIENTS = 10_000


class Guesses:
    """Remembers, by client address, wrong tokens; and the tokens that were right, whose holders never wait."""

    def __init__(self, wait: float = WAIT_SECONDS) -> None:
        self.wait = wait
        self._right: set[str] = set()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: defaultdict[str, int] = defaultdict(int)

    async def admit(self, client: str, token: str) -> bool:
        """Returns when the token may be looked up; False if it may not be now. It counts as wrong until it is right."""
        if token in self._right:
            return True
        wrong = self._recent(client)
        if len(wrong) >= FREE:
            if self._waiting[client] >= QUEUE:
                return False
            await self._take_turn(client)
        wrong.append(time.monotonic())
        return True

    def right(self, client: str, token: str) -> None:
        """The token that was admitted is somebody's."""
        if token not in self._right:
            self._right.add(token)
            if self._wrong.get(client):
                self._wrong[client].pop()

    async def _take_turn(self, client: str) -> None:
        self._waiting[client] += 1
        try:
            async with self._turns[client]:
                await asyncio.sleep(self.wait)
        finally:
            self._waiting[client] -= 1
            if not self._waiting[client]:
                del self._waiting[client], self._turns[client]

    def _recent(self, client: str) -> deque[float]:
        """The times of the client's wrong tokens that are remembered."""
        wrong = self._wrong.setdefault(client, deque())
        self._wrong.move_to_end(client)
        while wrong and wrong[0] < time.monotonic() - MEMORY_SECONDS:
            wrong.popleft()
        while len(self._wrong) > MOST_CLIENTS:
            self._wrong.popitem(last=False)
        return wrong
