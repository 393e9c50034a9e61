"""Mean kernel values: the one thing that KID, its subsets, bootstrap, floor and permutations are all made of.

An image is drawn with a weight; every statistic of this package is a sum of weighted means of Gram blocks. So the
blocks are computed once, and a thousand draws are two matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


def polynomial_kernel(x: Array, y: Array) -> Array:
    """k(x, y) = (x·y / d + 1)³ for all pairs: (n, d), (m, d) -> (n, m)."""
    base = x @ y.T
    base /= x.shape[1]
    base += 1.0
    return base * base * base  # `** 3` would call pow() for every element


@dataclass(frozen=True)
class KernelBlock:
    """The kernel between two sets, some of whose pairs are left out.

    ``kernel`` (n, m) is zero at pairs that are left out; ``counted`` (n, m) is 1.0 at pairs that count and 0.0 at the
    others, or None where all count.
    """

    kernel: Array
    counted: Array | None

    @classmethod
    def between(cls, x: Array, y: Array) -> KernelBlock:
        """All pairs of two sets of features (n, d), (m, d)."""
        return cls(polynomial_kernel(x, y), None)

    @classmethod
    def within(cls, x: Array) -> KernelBlock:
        """All pairs of different images of one set of features (n, d)."""
        return cls.between(x, x).without_equal(np.arange(len(x)), np.arange(len(x)))

    def without_equal(self, x_codes: Codes, y_codes: Codes) -> KernelBlock:
        """The block without pairs of equal codes (n,), (m,): the same image, or the same group."""
        counted = (x_codes[:, None] != y_codes[None, :]).astype(np.float64)
        return self if counted.all() else KernelBlock(self.kernel * counted, counted)

    def part(self, rows: slice, columns: slice) -> KernelBlock:
        """The block of some images only."""
        return KernelBlock(self.kernel[rows, columns], None if self.counted is None else self.counted[rows, columns])

    def mean(self, x_weights: Array, y_weights: Array) -> Array:
        """Weighted means of the kernel over the pairs that count: weights (draws, n), (draws, m) -> (draws,).

        NaN where a draw holds no pair that counts.
        """
        total = ((x_weights @ self.kernel) * y_weights).sum(axis=1)
        if self.counted is None:
            weight = x_weights.sum(axis=1) * y_weights.sum(axis=1)
        else:
            weight = ((x_weights @ self.counted) * y_weights).sum(axis=1)
        return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
