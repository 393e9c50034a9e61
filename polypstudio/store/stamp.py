"""Whether a study has changed on disk since somebody looked: cheap enough to be asked every few seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from polypstudio.store.paths import StudyPaths


def study_stamp(study: StudyPaths) -> str:
    """Changes when a configuration, an index, an iteration's manifest or a result is written or removed."""
    states = sorted(f"{file.relative_to(study.root)} {_state(file)}" for file in _watched(study))
    return hashlib.sha256("\n".join(states).encode()).hexdigest()[:16]


def _watched(study: StudyPaths) -> Iterator[Path]:
    yield from (study.config, study.index, study.readings)
    yield from study.iterations.glob("[0-9]*/manifest.json")
    yield from study.results.glob("*/*.json")


def _state(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return "absent"
    return f"{status.st_mtime_ns} {status.st_size}"
