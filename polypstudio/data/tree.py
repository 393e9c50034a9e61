"""What lies below a dataset's folder: one walk that opens nothing."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from polypstudio.data.vocabulary import plain
from polypstudio.errors import UserError
from polypstudio.store.images import SUFFIXES

READ_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})  # files beside the images whose content a layout reads
NOTED_SUFFIXES = READ_SUFFIXES | {".zip", ".tar", ".gz", ".7z", ".rar"}
MASKS = frozenset({"mask", "masks", "gt", "groundtruth", "segmentation", "segmentations", "annotation", "annotations"})
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True)
class Tree:
    """The files of a dataset by their paths below ``root``, with forward slashes; hidden ones are left out."""

    root: Path
    images: dict[str, int] = field(default_factory=dict)  # path -> bytes
    noted: dict[str, tuple[int, int]] = field(default_factory=dict)  # tables and archives: path -> bytes, time changed
    folders: dict[str, int] = field(default_factory=dict)  # path -> time at which an entry came, went or was renamed

    @cached_property
    def digest(self) -> str:
        """Hash of the images' names and sizes: the same on every machine, and had without opening one of them."""
        lines = "\n".join(f"{path} {size}" for path, size in sorted(self.images.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def top(self) -> list[str]:
        """The folders and noted files at the top, for an error that says what was found."""
        return sorted([path for path in (*self.folders, *self.noted) if path and "/" not in path], key=natural)


def walk(root: Path, skipped: frozenset[str] = frozenset()) -> Tree:
    """Looks at every entry below ``root`` once. ``skipped``: plain names of folders that are not entered.

    Links to folders are followed, each folder once. Raises UserError where ``root`` is no folder.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    tree = Tree(root)
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        about = os.stat(root / folder)
        if (about.st_dev, about.st_ino) in seen:
            continue
        seen.add((about.st_dev, about.st_ino))
        tree.folders[folder.rstrip("/")] = about.st_mtime_ns
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                suffix = os.path.splitext(entry.name)[1].lower()
                if suffix in SUFFIXES and entry.is_file():
                    tree.images[folder + entry.name] = entry.stat().st_size
                elif entry.is_dir():
                    if plain(entry.name) not in skipped:
                        waiting.append(f"{folder}{entry.name}/")
                elif suffix in NOTED_SUFFIXES:
                    tree.noted[folder + entry.name] = (entry.stat().st_size, entry.stat().st_mtime_ns)
    return tree


def unchanged(root: Path, folders: dict[str, int], noted: dict[str, tuple[int, int]]) -> bool:
    """Whether no file came, went or was renamed since a walk, and no table was changed: one look at each folder."""
    try:
        return all(os.stat(root / path).st_mtime_ns == time for path, time in folders.items()) and all(
            (about := os.stat(root / path)).st_size == size and about.st_mtime_ns == time
            for path, (size, time) in noted.items()
        )
    except OSError:
        return False


def natural(path: str) -> str:
    """Sorting key under which ``2.png`` comes before ``10.png``: each number is led by how many digits it has."""
    return _NUMBER.sub(lambda number: f"\0{len(digits := number[0].lstrip('0')):03}{digits}", path)


def some(names: Iterable[str], limit: int = 6) -> str:
    """A few names in backquotes, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return (", ".join(f"`{name}`" for name in every[:limit]) or "nothing") + more
