"""The folder of weights that no package carries, and what is in a file of it."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

VARIABLE = "POLYPSTUDIO_WEIGHTS"


def weights_file(name: str) -> Path:
    """Where a file of weights is looked for: in the folder that ``POLYPSTUDIO_WEIGHTS`` names, or in the user's cache."""
    folder = os.environ.get(VARIABLE)
    return (Path(folder) if folder else Path.home() / ".cache" / "polypstudio" / "weights") / name


def file_digest(path: Path) -> str:
    """sha256 of a file's content, read once as long as the file does not change."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
