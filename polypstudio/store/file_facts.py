"""What was once found out about a file, kept for as long as its size and its time of change stay what they were."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from polypstudio.store.atomic import append_line, write_text

_WRITE_EVERY = 5.0  # seconds: what an interruption can cost
_SETTLED = 2_000_000_000  # ns: a file that changed this recently may change again within the clock's resolution


class FileFacts:
    """``facts(file)`` is ``find_out(file)``, computed once: a content hash, a sharpness.

    Kept as lines of text in ``store``; one that was torn by a kill is passed over. Facts that cannot be written, as in
    a read-only study, are found out again the next time.
    """

    def __init__(self, store: Path, find_out: Callable[[Path], str]) -> None:
        self._store, self._find_out = store, find_out
        self._known: dict[str, tuple[int, int, str]] | None = None
        self._unwritten: list[str] = []
        self._written = time.monotonic()

    def __call__(self, file: Path) -> str:
        about = os.stat(file)
        known = self._read().get(str(file))
        if known is not None and known[:2] == (about.st_size, about.st_mtime_ns):
            return known[2]
        fact = self._find_out(file)
        if about.st_mtime_ns < time.time_ns() - _SETTLED:
            self._known[str(file)] = (about.st_size, about.st_mtime_ns, fact)  # type: ignore[index]
            self._unwritten.append(f"{fact} {about.st_size} {about.st_mtime_ns} {file}")
            if time.monotonic() - self._written > _WRITE_EVERY:
                self.write()
        return fact

    def write(self) -> None:
        """Appends what was found out since the last time."""
        with contextlib.suppress(OSError):
            if self._unwritten:
                append_line(self._store, "\n".join(self._unwritten))
        self._unwritten, self._written = [], time.monotonic()

    def _read(self) -> dict[str, tuple[int, int, str]]:
        """File -> size, time, fact. Where most lines are of the past, the file is written anew."""
        if self._known is not None:
            return self._known
        self._known, lines = {}, 0
        with contextlib.suppress(OSError), open(self._store, encoding="utf-8", errors="replace") as file:
            for lines, line in enumerate(file, start=1):
                fact, *numbers, path = line.rstrip("\n").split(" ", 3) if line.count(" ") >= 3 else ("",) * 4
                if line.endswith("\n") and all(number.isdigit() for number in numbers) and path:
                    self._known[path] = (int(numbers[0]), int(numbers[1]), fact)
        if lines > 2 * len(self._known):
            with contextlib.suppress(OSError):
                text = "".join(f"{fact} {size} {changed} {path}\n" for path, (size, changed, fact) in self._known.items())
                write_text(self._store, text)
        return self._known
