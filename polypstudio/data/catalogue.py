"""Listings that are kept, so that a dataset of hundreds of thousands of frames is read once.

A kept listing is good for as long as no folder of the dataset has gained, lost or renamed an entry and no table was
changed. That is one look at each folder, not at each file: what a file holds is asked of the file when it is used
(:mod:`polypstudio.store.file_facts`).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from polypstudio.config.words import Quality
from polypstudio.data.listing import Listing
from polypstudio.data.tree import Tree, unchanged, walk
from polypstudio.records import Label, RealImage, Split
from polypstudio.store.atomic import write_bytes

_VERSION = 1
_SETTLED = 2_000_000_000  # ns: a folder that changed this recently may change again within the clock's resolution
_LABELS, _SPLITS = get_args(Label), get_args(Split)
_QUALITIES: tuple[Quality | None, ...] = (None, *get_args(Quality))


@dataclass(frozen=True)
class Catalogue:
    """Listings kept as files in ``folder``, one a dataset and layout."""

    folder: Path

    def listing(self, root: Path, layout: str, skipped: frozenset[str], read: Callable[[Tree], Listing]) -> Listing:
        """The kept listing of ``root``, or what ``read`` makes of it now, kept for the next time."""
        key = hashlib.sha256(f"{_VERSION} {layout} {root.resolve()}".encode()).hexdigest()[:16]
        file = self.folder / f"listing-{key}.json"
        kept = _kept(file, root)
        if kept is not None:
            return kept
        began = time.time_ns()
        tree = walk(root, skipped)
        listing = read(tree)
        newest = max([*tree.folders.values(), *(time for _, time in tree.noted.values())])
        if newest < began - _SETTLED:
            write_bytes(file, json.dumps(_columns(tree, listing), ensure_ascii=False).encode())
        return listing


def _kept(file: Path, root: Path) -> Listing | None:
    try:
        stored = json.loads(file.read_bytes())
        noted = {path: (size, changed) for path, (size, changed) in stored["noted"].items()}
        if not unchanged(root, stored["folders"], noted):
            return None
        return _listing(stored)
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _columns(tree: Tree, listing: Listing) -> dict[str, Any]:
    """A listing as columns, in which words that repeat are numbers."""
    groups = {group: number for number, group in enumerate(dict.fromkeys(image.group for image in listing.images))}
    return {
        "folders": tree.folders,
        "noted": tree.noted,
        "paths": [image.path for image in listing.images],
        "labels": [_LABELS.index(image.label) for image in listing.images],
        "splits": [_SPLITS.index(image.split) for image in listing.images],
        "groups": list(groups),
        "group": [groups[image.group] for image in listing.images],
        "quality": [_QUALITIES.index(image.quality) for image in listing.images],
        "about": [
            listing.split_given,
            listing.files,
            listing.departures,
            listing.notes,
            listing.labelling,
            listing.digest,
        ],
    }


def _listing(stored: dict[str, Any]) -> Listing:
    groups = stored["groups"]
    columns = zip(stored["paths"], stored["labels"], stored["splits"], stored["group"], stored["quality"], strict=True)
    images = [
        RealImage(path, _LABELS[label], _SPLITS[split], groups[group], _QUALITIES[quality])
        for path, label, split, group, quality in columns
    ]
    split_given, files, departures, notes, labelling, digest = stored["about"]
    return Listing(images, split_given, files, tuple(departures), tuple(notes), labelling, digest)
