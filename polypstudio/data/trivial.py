"""Statistics of an image that know nothing of what it shows: how its file was made, and what it looks like at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from polypstudio.data.formats import border_share
from polypstudio.data.sharpness import sharpness
from polypstudio.progress import Report, silent
from polypstudio.store.images import load_rgb

FILE_STATISTICS = ("blockiness", "border")
IMAGE_STATISTICS = ("red", "green", "blue", "contrast", "sharpness")
BLOCK = 8  # pixels a side of a JPEG block


def trivial_statistics(files: Sequence[Path], resolution: int, report: Report = silent) -> np.ndarray:
    """``FILE_STATISTICS``, then ``IMAGE_STATISTICS`` of each image (n, 7), at the resolution at which encoders see it."""
    rows = []
    for done, path in enumerate(files, start=1):
        pixels = load_rgb(path, resolution)
        luminance = pixels @ np.array([0.299, 0.587, 0.114])
        colour = pixels.mean(axis=(0, 1))
        rows.append([blockiness(luminance), border_share(pixels), *colour, luminance.std(), sharpness(pixels)])
        report(done, len(files))
    return np.array(rows)


def blockiness(luminance: np.ndarray) -> float:
    """How much larger steps are at one position of every eight pixels than elsewhere: the grid of a JPEG, wherever it lies.

    0 without a grid, on average a little above 0 by chance; the mean of both directions.
    """
    return float(np.mean([_grid(np.abs(np.diff(luminance, axis=axis)).mean(axis=1 - axis)) for axis in (0, 1)]))


def _grid(steps: np.ndarray) -> float:
    """``steps``: mean step between each pair of neighbouring rows or columns."""
    if len(steps) < 2 * BLOCK:
        return 0.0
    means = np.array([steps[phase::BLOCK].mean() for phase in range(BLOCK)])
    middle = np.median(means)
    return float(means.max() / middle - 1.0) if middle > 0 else 0.0
