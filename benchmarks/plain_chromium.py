"""A Chromium that runs pages as it does for a visitor: without the inspector that Playwright turns on.

Under that inspector V8 notes where every exception was thrown, and so parses plotly.js (4.8 MB) three more times while it
runs it: nearly half a second that no visitor waits for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

LOOK = 0.1  # seconds between two looks
START = 60.0  # seconds within which a browser opens its tab
EMPTY = "about:blank"
END = b"\0"  # of a message
KEYS = {"ArrowLeft": 37, "ArrowRight": 39}


class PlainPage:
    """A page of such a browser, driven by single commands of the DevTools protocol through a pair of pipes."""

    def __init__(self, commands: BinaryIO, answers: BinaryIO) -> None:
        self._commands, self._answers = commands, answers
        self._session: dict[str, str] = {}
        self._sent, self._rest = 0, b""
        attached = self.send("Target.attachToTarget", targetId=self._only_tab(), flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def _only_tab(self) -> str:
        """The tab with which the browser opens: another one beside it would be memory that no visitor has."""
        end = time.monotonic() + START
        while time.monotonic() < end:
            for target in self.send("Target.getTargets")["targetInfos"]:
                if target["type"] == "page" and target["url"] == EMPTY:
                    return str(target["targetId"])
            time.sleep(LOOK)
        raise TimeoutError("Chromium opened no tab")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._send(method, parameters, self._session)

    def _send(self, method: str, parameters: dict[str, Any], session: dict[str, str]) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters, **session}
        self._commands.write(json.dumps(message).encode() + END)
        self._commands.flush()
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self._sent:
                return answer["result"]

    def press(self, key: str) -> None:
        """A trusted stroke of one of :data:`KEYS`."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])

    def answer(self, expression: str) -> Any:
        """What the promise of an expression comes to."""
        evaluated = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return evaluated["result"].get("value")

    def memory(self) -> float:
        """MB of all processes of the browser, shared pages counted once (proportional set size)."""
        kilobytes = 0
        for process in self._send("SystemInfo.getProcessInfo", {}, {})["processInfo"]:
            with suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
                lines = Path(f"/proc/{process['id']}/smaps_rollup").read_text().splitlines()
                kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return kilobytes / 1024

    def wait_for(self, expression: str, patience: float = 120.0) -> Any:
        """The value of an expression, once it is neither undefined nor null."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            value = self.send("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")
            if value is not None:
                return value
            time.sleep(LOOK)
        raise TimeoutError(expression)

    def _message(self) -> bytes:
        while END not in self._rest:
            part = os.read(self._answers.fileno(), 1 << 16)
            if not part:
                raise EOFError("Chromium ended")
            self._rest += part
        message, _, self._rest = self._rest.partition(END)
        return message


@contextmanager
def plain_page(arguments: Sequence[str], script: str, width: int, height: int) -> Iterator[PlainPage]:
    """An empty page of a new browser, which runs ``script`` before any of a document's own."""
    (read_commands, write_commands), (read_answers, write_answers) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", *arguments, EMPTY]
        chromium = [shutil.which("chromium") or "chromium", *options]
        process = subprocess.Popen(  # Chromium reads from file 3 and writes to file 4
            ["bash", "-c", f'exec "$@" 3<&{read_commands} 4>&{write_answers}', "bash", *chromium],
            pass_fds=(read_commands, write_answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        try:
            with os.fdopen(write_commands, "wb") as commands, os.fdopen(read_answers, "rb") as answers:
                page = PlainPage(commands, answers)
                page.send("Page.enable")
                page.send(
                    "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
                )
                page.send("Page.addScriptToEvaluateOnNewDocument", source=script)
                yield page
        finally:
            process.terminate()
            process.wait(30)
