"""Agreement as a statistic of weighted readers and images: what the bootstrap of an interval draws.

Agreement is between two readers, and a reader who is drawn twice would agree with themselves: the pairs that a reader
forms with their own copies are left out, and what remains is scaled to the ratings that the image has.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from polypstudio.reading.intervals import Statistic, ratio

TOGETHER = 250  # draws at once, to bound the memory


def kappa_statistic(votes: np.ndarray) -> Statistic:
    """Fleiss' κ of yes-or-no ``votes`` (readers, images) without gaps."""

    def statistic(readers: np.ndarray, images: np.ndarray) -> np.ndarray:
        total = images.sum(axis=1) * readers.sum(axis=1)
        together = _pairs(votes, np.array([0.0, 1.0]), readers, images, scaled=False)
        observed = ratio(np.trace(together, axis1=1, axis2=2), together.sum(axis=(1, 2)))
        yes = ratio(np.einsum("br,bi,ri->b", readers, images, votes, optimize=True), total)
        expected = yes**2 + (1 - yes) ** 2
        return ratio(observed - expected, 1 - expected)

    return _in_parts(statistic)


def alpha_statistic(ratings: np.ndarray, level: Literal["nominal", "ordinal"] = "nominal") -> Statistic:
    """Krippendorff's α of ``ratings`` (readers, images), NaN where a reader gave none."""
    values = np.unique(ratings[~np.isnan(ratings)])
    steps = np.arange(len(values))

    def statistic(readers: np.ndarray, images: np.ndarray) -> np.ndarray:
        together = _pairs(ratings, values, readers, images, scaled=True)
        margin = together.sum(axis=2)
        if level == "nominal":
            distance = np.broadcast_to(1.0 - np.eye(len(values)), together.shape)
        else:
            middle = np.cumsum(margin, axis=1) - margin / 2
            distance = (middle[:, steps, None] - middle[:, None, steps]) ** 2
        observed = (together * distance).sum(axis=(1, 2))
        expected = np.einsum("ba,bc,bac->b", margin, margin, distance)
        return 1 - ratio(observed * (margin.sum(axis=1) - 1), expected)

    return _in_parts(statistic)


def _pairs(
    ratings: np.ndarray, values: np.ndarray, readers: np.ndarray, images: np.ndarray, scaled: bool
) -> np.ndarray:
    """(B, values, values): how often two different readers gave the one and the other value to an image.

    ``scaled``: every image counts as many times as it has ratings, however many pairs they form.
    """
    given = (ratings[:, :, None] == values).astype(float)
    flat = given.reshape(len(ratings), -1)
    shape = (len(readers), *given.shape[1:])
    sums, own = (readers @ flat).reshape(shape), (readers**2 @ flat).reshape(shape)
    n, alone = sums.sum(axis=2), own.sum(axis=2)
    weights = images * (n > 0) * (ratio(n, n**2 - alone) if scaled else 1.0)
    weights = np.where(n**2 - alone > 0, weights, 0.0)
    together = np.matmul((sums * weights[:, :, None]).transpose(0, 2, 1), sums)
    together[:, np.arange(len(values)), np.arange(len(values))] -= (own * weights[:, :, None]).sum(axis=1)
    return together


def _in_parts(statistic: Statistic) -> Statistic:
    def whole(readers: np.ndarray, images: np.ndarray) -> np.ndarray:
        starts = range(0, len(readers), TOGETHER)
        return np.concatenate([statistic(readers[s : s + TOGETHER], images[s : s + TOGETHER]) for s in starts])

    return whole
