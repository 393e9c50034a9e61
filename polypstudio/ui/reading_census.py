"""Copies of training images and failed generations among the images of a reading: counted, never silently dropped."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polypstudio.errors import UserError
from polypstudio.reading.design import Item
from polypstudio.records import ImageKey, NeighbourResult
from polypstudio.store.paths import StudyPaths, iteration_set
from polypstudio.ui.images import image_file

FLAT = 3.0  # standard deviation of the grey values, of 255, up to which a picture shows nothing


@dataclass(frozen=True)
class Census:
    """Image set -> how many of its images in the reading. ``copies`` is None where copies were never looked for."""

    copies: dict[str, int] | None
    failed: dict[str, int]

    def sentence(self) -> str:
        """What a researcher should know of them."""
        failed = sum(self.failed.values())
        copies = "copies were not looked for yet (evaluate the study)"
        if self.copies is not None:
            copies = f"{sum(self.copies.values())} copies of real training images"
        return f"Among the synthetic images: {copies}; {failed} failed generations (a flat picture, or no file)."


def census(study: StudyPaths, items: Iterable[Item], neighbours: NeighbourResult | None) -> Census:
    """Counts over the synthetic images of the items, training included."""
    keys = [item.image for item in items if not item.image.image_set.startswith("real/")]
    copied = {
        ImageKey(iteration_set(iteration.iteration), image.label, image.index)
        for iteration in (neighbours.copies if neighbours else [])
        for image in iteration.images
        if image.is_copy
    }
    copies = dict(Counter(key.image_set for key in keys if key in copied)) if neighbours else None
    return Census(copies, dict(Counter(key.image_set for key in keys if _failed(image_file(study, key)))))


def _failed(file: Path | None) -> bool:
    if file is None or not file.is_file():
        return True
    return _is_flat(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=20_000)
def _is_flat(file: Path, changed: int) -> bool:
    """Whether a picture is of one colour, black above all, or cannot be read; looked at again once it has changed."""
    from PIL import Image

    from polypstudio.store.images import load_rgb

    try:
        return float(np.asarray(Image.fromarray(load_rgb(file)).convert("L"), float).std()) <= FLAT
    except UserError:
        return True
