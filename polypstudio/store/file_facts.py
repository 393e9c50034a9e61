"""What was once found out about a file, kept for as long as its size and its time of change stay what they were."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from polypstudio.store.atomic import append_line, write_text
from polypstudio.store.features import file_hash
from polypstudio.store.paths import StudyPaths

_WRITE_EVERY = 5.0  # seconds: what an interruption can cost
_SETTLED = 2_000_000_000  # ns: a file that changed this recently may change again within the clock's resolution


class FileFacts:
    """``facts(file)`` is ``find_out(file)``, computed once: a content hash, a sharpness. Threads may share it.

    Kept as lines of text in ``store``; one that was torn by a kill is passed over. Facts that cannot be written, as in
    a read-only study, are found out again the next time.
    """

    def __init__(self, store: Path, find_out: Callable[[Path], str]) -> None:
        self._store, self._find_out = store, find_out
        self._lock = threading.Lock()
        self._unwritten: list[str] = []
        self._written = time.monotonic()

    def __call__(self, file: Path) -> str:
        about = os.stat(file)
        state = (about.st_size, about.st_mtime_ns)
        with self._lock:
            known = self._known.get(str(file))
        if known is not None and known[:2] == state:
            return known[2]
        fact = self._find_out(file)
        if about.st_mtime_ns < time.time_ns() - _SETTLED:
            with self._lock:
                self._known[str(file)] = (*state, fact)
                self._unwritten.append(_line(str(file), *state, fact))
                due = time.monotonic() - self._written > _WRITE_EVERY
            if due:
                self.write()
        return fact

    def write(self) -> None:
        """Appends what was found out since the last time."""
        with self._lock, contextlib.suppress(OSError):
            lines, self._unwritten, self._written = self._unwritten, [], time.monotonic()
            if lines:
                append_line(self._store, "\n".join(lines))

    @cached_property
    def _known(self) -> dict[str, tuple[int, int, str]]:
        """File -> size, time, fact, as kept. Where most lines are of the past, the store is written anew."""
        known, count = {}, 0
        with contextlib.suppress(OSError), open(self._store, encoding="utf-8", errors="replace") as kept:
            for line in kept:
                count += 1
                fact, size, changed, file = (line.rstrip("\n").split(" ", 3) + [""] * 4)[:4]
                if size.isdigit() and changed.isdigit() and line.endswith("\n"):
                    known[file] = (int(size), int(changed), fact)
        if count > 2 * len(known):
            with contextlib.suppress(OSError):
                write_text(self._store, "".join(f"{_line(file, *fact)}\n" for file, fact in known.items()))
        return known


def known_hashes(study: StudyPaths) -> FileFacts:
    """The content hashes of a study's images."""
    return FileFacts(study.file_facts("hashes"), file_hash)


def _line(file: str, size: int, changed: int, fact: str) -> str:
    return f"{fact} {size} {changed} {file}"
