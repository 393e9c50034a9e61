"""A Chromium that runs pages as it does for a visitor: without the inspector that Playwright turns on.

Under that inspector V8 notes where every exception was thrown, and so parses plotly.js (4.8 MB) three more times while it
runs it: most of half a second that no visitor waits for.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

LOOK = 0.1  # seconds between two looks


class PlainPage:
    """A page of such a browser, driven by single commands of the DevTools protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._sent = connection, 0

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._sent += 1
        self._connection.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv())
            if answer.get("id") == self._sent:
                return answer["result"]

    def wait_for(self, expression: str, patience: float = 120.0) -> Any:
        """The value of an expression, once it is neither undefined nor null."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            value = self.send("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")
            if value is not None:
                return value
            time.sleep(LOOK)
        raise TimeoutError(expression)


@contextmanager
def plain_page(arguments: Sequence[str], script: str, width: int, height: int) -> Iterator[PlainPage]:
    """An empty page of a new browser, which runs ``script`` before any of a document's own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            shutil.which("chromium") or "chromium",
            "--headless",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
        ]
        process = subprocess.Popen(
            [*command, *arguments, f"--window-size={width},{height}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(_address_of_page(Path(profile)), max_size=None) as connection:
                page = PlainPage(connection)
                page.send("Page.enable")
                page.send("Page.addScriptToEvaluateOnNewDocument", source=script)
                yield page
        finally:
            process.terminate()
            process.wait(30)


def _address_of_page(profile: Path, patience: float = 60.0) -> str:
    """Where the first page of a browser is driven from, once the browser listens."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            port = (profile / "DevToolsActivePort").read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                return next(each["webSocketDebuggerUrl"] for each in json.load(answer) if each["type"] == "page")
        except (OSError, IndexError, StopIteration):
            time.sleep(LOOK)
    raise TimeoutError("no answer from Chromium")
