"""Readers that answer over HTTP as the page does, while the servers under them are killed and started again.

What a reader was told is saved is kept here, to be compared with what the database holds in the end.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from event_loops import run_apart
from study_factory import generated_study

from polypstudio.reading.design import ReadingDesign, Stratum
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import reading_from
from polypstudio.store.readings.tables import presentations
from polypstudio.store.readings.tables import readings as stored_readings
from polypstudio.ui.reading_images import create_reading

RETRY = (0.5, 1.0, 2.0, 4.0)  # seconds between tries, as the page waits
PATIENCE = 300  # seconds that a reader keeps trying to get one answer through
CALL = "/read/gradio_api/component_server/"


@dataclass
class Reader:
    """One simulated reader. ``acknowledged``: showing -> (the id of the submit, the step given).

    ``submit_seconds``: of each submit, the request that was answered; ``saved_seconds``: from its first try to its answer,
    with the time during which the server was dead.
    """

    token: str
    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    submit_seconds: list[float] = field(default_factory=list)
    saved_seconds: list[float] = field(default_factory=list)
    retries: int = 0
    refused: Counter[int] = field(default_factory=Counter)


@dataclass
class Load:
    """What came of a load: see :func:`outcome`."""

    readers: list[Reader]
    seconds: float
    dead_seconds: list[float]


class ReadingServer:
    """A `polypstudio serve` process on a port of its own, which may be killed at any moment."""

    def __init__(self, root: Path, port: int, environment: dict[str, str] | None = None) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.command = [sys.executable, "-m", "polypstudio", "serve", "--root", str(root), "--port", str(port)]
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> float:
        """Returns when the server answers: the seconds until then."""
        began = time.monotonic()
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.DEVNULL)
        async with httpx.AsyncClient(verify=False) as client:
            for _ in range(600):
                assert self.process.poll() is None, "the server stopped while starting"
                try:
                    await client.get(f"{self.address}/read/config", timeout=30)
                    return time.monotonic() - began
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        raise AssertionError("no answer from the server")

    def kill(self) -> None:
        """Ends it at once, without a chance to tidy up."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)


def reading_study(root: Path, showings: int) -> tuple[StudyPaths, str]:
    """A study of small images with a reading of ``showings`` showings (a multiple of four)."""
    per_class = showings // 4
    study = generated_study(root, "load", iterations=1, per_class=per_class, real=per_class, size=64, results=False)
    strata = (
        Stratum(image_set="real/test", per_class=per_class),
        Stratum(image_set="iterations/000160", per_class=per_class),
    )
    return study, create_reading(study, ReadingDesign(strata=strata, repeats=0))


async def put_under_load(
    servers: list[ReadingServer], tokens: list[str], showings: int, think: float, kills: int
) -> Load:
    """All readers read to the end; meanwhile a server is killed ``kills`` times, in turn, spread over the answers.

    ``think``: seconds before each answer, on average.
    """
    await asyncio.gather(*(server.start() for server in servers))
    chance = random.Random(1)
    found = [Reader(token) for token in tokens]
    began = time.monotonic()
    reading = [
        asyncio.create_task(_read(reader, servers, think, chance.uniform(0, think), chance.random()))
        for reader in found
    ]
    total = len(tokens) * showings
    restarts: dict[ReadingServer, asyncio.Task[float]] = {}
    dead: list[float] = []
    for n in range(kills):
        due = total * (n + chance.uniform(0.3, 0.7)) / kills
        while sum(len(reader.acknowledged) for reader in found) < due and not all(task.done() for task in reading):
            await asyncio.sleep(0.01)
        server = servers[n % len(servers)]
        if server in restarts:
            dead.append(await restarts[server])
        server.kill()
        restarts[server] = asyncio.create_task(server.start())
    try:
        dead += await asyncio.gather(*restarts.values())
        await asyncio.gather(*reading)
    finally:
        for server in servers:
            server.kill()
    return Load(found, time.monotonic() - began, dead)


async def _read(reader: Reader, servers: list[ReadingServer], think: float, delay: float, seed: float) -> None:
    chance = random.Random(seed)
    await asyncio.sleep(delay)
    async with httpx.AsyncClient(timeout=60, verify=False) as client:
        page = _Page(client, reader, servers)
        state = await page.ask("open_reading", {})
        while state["status"] == "reading":
            showing = state["showings"][0]
            await page.image(showing)
            await asyncio.sleep(think * chance.uniform(0.5, 1.5))
            step = chance.randint(0, 6)
            submit = f"{chance.getrandbits(128):032x}"
            answer = {
                "showing": showing,
                "submit": submit,
                "seconds": think,
                "answers": {"source": step, "pathology": 6 - step},
            }
            state = await page.ask("answer_showing", answer)
            reader.acknowledged[showing] = (submit, step)


class _Page:
    """Asks the server as the page does: the same message until there is an answer."""

    def __init__(self, client: httpx.AsyncClient, reader: Reader, servers: list[ReadingServer]) -> None:
        self.client = client
        self.reader = reader
        self.servers = servers
        self.component: int | None = None

    async def ask(self, function: str, message: dict[str, Any]) -> dict[str, Any]:
        first = time.monotonic()
        attempt = 0
        while time.monotonic() < first + PATIENCE:
            address = self.servers[self.reader.retries % len(self.servers)].address
            try:
                if self.component is None:
                    config = (await self.client.get(f"{address}/read/config")).json()
                    self.component = next(c["id"] for c in config["components"] if c["props"].get("server_fns"))
                body = {
                    "data": {"reader": self.reader.token, **message},
                    "component_id": self.component,
                    "fn_name": function,
                    "session_hash": self.reader.token[:8],
                }
                began = time.monotonic()
                reply = await self.client.post(address + CALL, json=body)
                if reply.status_code == 200:
                    if function == "answer_showing":
                        self.reader.submit_seconds.append(time.monotonic() - began)
                        self.reader.saved_seconds.append(time.monotonic() - first)
                    return reply.json()
                self.reader.refused[reply.status_code] += 1
            except httpx.TransportError:
                pass
            self.reader.retries += 1
            await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
            attempt += 1
        raise AssertionError(f"{function}: no answer in {PATIENCE} s")

    async def image(self, showing: str) -> None:
        """Fetches the image of a showing; an address that was lost with its server is asked for anew."""
        for _ in range(200):
            address = (await self.ask("image_address", {"showing": showing}))["address"]
            assert address, "no address for the current showing"
            server = self.servers[self.reader.retries % len(self.servers)].address
            try:
                reply = await self.client.get(f"{server}/reading-image/{address}")
                if reply.status_code == 200:
                    return
            except httpx.TransportError:
                self.reader.retries += 1
                await asyncio.sleep(RETRY[0])
        raise AssertionError("no image")


def outcome(load: Load, study: StudyPaths) -> dict[str, Any]:
    """The figures of a load, and the readings that were acknowledged but are lost, stored twice or stored differently."""
    with reading_from(study) as connection:
        rows = connection.execute(
            stored_readings.select().join(presentations, presentations.c.id == stored_readings.c.presentation)
        ).all()
    times = Counter(row.presentation for row in rows)
    stored = {row.presentation: (row.submit, row.source) for row in rows}
    acknowledged = {showing: kept for reader in load.readers for showing, kept in reader.acknowledged.items()}
    refused = sum((reader.refused for reader in load.readers), Counter())
    return {
        "readers": len(load.readers),
        "acknowledged": len(acknowledged),
        "stored": len(rows),
        "lost": sum(showing not in stored for showing in acknowledged),
        "twice": sum(n > 1 for n in times.values()),
        "different": sum(stored.get(showing, kept) != kept for showing, kept in acknowledged.items()),
        "kills": len(load.dead_seconds),
        "dead_seconds": [round(seconds, 1) for seconds in load.dead_seconds],
        "retries": sum(reader.retries for reader in load.readers),
        "refused": dict(refused),
        "seconds": round(load.seconds, 1),
        "readings_per_second": round(len(rows) / load.seconds, 1),
        "submit_ms": _percentiles(s for reader in load.readers for s in reader.submit_seconds),
        "until_saved_ms": _percentiles(s for reader in load.readers for s in reader.saved_seconds),
    }


def _percentiles(seconds: Iterable[float]) -> dict[str, int]:
    """In milliseconds."""
    ranked = sorted(seconds)
    return {f"p{p}": round(1000 * ranked[int(len(ranked) * p / 100)]) for p in (50, 95, 99)}


def run_load(
    root: Path, readers: int, showings: int, think: float, kills: int, servers: list[ReadingServer]
) -> dict[str, Any]:
    """Makes the study, its readers and the load; returns its :func:`outcome`."""
    study, design = reading_study(root, showings)
    links = readings.add_readers(study, design, [f"R{n}" for n in range(readers)])
    load = run_apart(put_under_load(servers, [link.token for link in links], showings, think, kills))
    return outcome(load, study)
