"""Servers for the browser: an app in a thread of this process, or PolypStudio as the process that its user starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTUP = 180  # seconds, on a busy machine


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(root: Path, demo: bool = False) -> Iterator[str]:
    """The whole server over the studies in ``root``; yields its address."""
    from polypstudio.ui.server import create_app

    with running(create_app(root, demo)) as address:
        yield address


@contextmanager
def running(app: Callable) -> Iterator[str]:
    """An ASGI app in a thread; yields its address."""
    import uvicorn

    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + STARTUP
    while not server.started:
        assert thread.is_alive(), "the server stopped while starting"
        assert time.monotonic() < end, f"no server in {STARTUP} s"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


@dataclass(frozen=True)
class Dashboard:
    """A process of `polypstudio`. ``startup``: processor seconds that it took until its first answer."""

    address: str
    process: subprocess.Popen[bytes]
    startup: float

    def kill(self) -> None:
        """Ends it at once, without a chance to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


@contextmanager
def launched(*command: str) -> Iterator[Dashboard]:
    """`polypstudio <command>`, where the command is one that serves, once it answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "polypstudio", *command, "--port", str(port)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        _wait_for(address, process)
        yield Dashboard(address, process, _processor_seconds(process))
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STARTUP
    while time.monotonic() < end:
        assert process.poll() is None, "the server stopped while starting"
        try:
            urllib.request.urlopen(address, timeout=STARTUP).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer from {address} in {STARTUP} s")


def _processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """What a process has used of the processor (Linux): unlike the clock's, it hardly depends on what else runs."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
