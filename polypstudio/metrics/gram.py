"""Mean kernel values: the one thing that KID, its subsets, bootstrap, floor and permutations are all made of.

An image is drawn with a weight; every statistic of this package is a sum of weighted means of Gram blocks. So a block
is computed once, and a thousand draws are matrix products with it. It is computed tile by tile in float64, and kept only
where it is small: 50,000 images of 2048 features need no more memory than their features do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Features = NDArray[np.floating]
Codes = NDArray[np.intp]
Draws = NDArray[np.integer] | NDArray[np.floating]

TILE = 2048  # images a side of a tile
KEPT_BYTES = 1 << 28  # a Gram block up to this size is kept for the next draws; a larger one is computed again


def polynomial_kernel(x: Features, y: Features) -> Array:
    """k(x, y) = (x·y / d + 1)³ in float64 for all pairs: (n, d), (m, d) -> (n, m).

    With ``y`` the same array as ``x``, half the products are spared.
    """
    left = x.astype(np.float64, copy=False)
    right = left if y is x else y.astype(np.float64, copy=False)
    base = left @ right.T
    base /= x.shape[1]
    base += 1.0
    cube = np.square(base)  # `** 3` would call pow() for every element
    cube *= base
    return cube


@dataclass(frozen=True)
class Sums:
    """Kernel and weight of pairs, summed over each draw: (draws,)."""

    total: Array
    weight: Array

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.total + other.total, self.weight + other.weight)

    def __sub__(self, other: Sums) -> Sums:
        return Sums(self.total - other.total, self.weight - other.weight)

    def mean(self) -> Array:
        """NaN where a draw holds no pair that counts."""
        return np.divide(self.total, self.weight, out=np.full_like(self.total, np.nan), where=self.weight > 0)


class Tile(NamedTuple):
    """A part of a Gram matrix."""

    rows: slice
    columns: slice
    kernel: Array


class Pairs(NamedTuple):
    """Pairs of images that do not count: row and column of each in the block, and the kernel's value there."""

    rows: Codes
    columns: Codes
    kernel: Array

    def transposed(self) -> Pairs:
        return Pairs(self.columns, self.rows, self.kernel)

    def sums(self, x: Draws, y: Draws) -> Sums:
        """Kernel and weight that the pairs hold in each draw."""
        total, weight = np.zeros(len(x)), np.zeros(len(x))
        for part in _slices(len(self.rows)):
            products = x[:, self.rows[part]] * y[:, self.columns[part]].astype(np.float64)
            total += products @ self.kernel[part]
            weight += products.sum(axis=1)
        return Sums(total, weight)

    def of_each(self, weights: Array, n: int) -> Sums:
        """The same for each of ``n`` rows, the columns weighted by ``weights`` (m,)."""
        held = weights[self.columns]
        total, weight = (np.bincount(self.rows, values, n).astype(np.float64) for values in (held * self.kernel, held))
        return Sums(total, weight)


class Gram:
    """The kernel between two sets of features (n, d), (m, d), or within one, tile by tile."""

    def __init__(self, x: Features, y: Features | None = None) -> None:
        self.x, self.y = x, x if y is None else y
        self.symmetric = y is None
        self._kept: list[Tile] | None = None

    def tiles(self) -> Iterable[Tile]:
        """Every tile; of a symmetric kernel, those on and above the diagonal."""
        if 8 * len(self.x) * len(self.y) > KEPT_BYTES:
            return self._computed()
        if self._kept is None:
            self._kept = list(self._computed())
        return self._kept

    def _computed(self) -> Iterator[Tile]:
        for rows in _slices(len(self.x)):
            x = self.x[rows]
            for columns in _slices(len(self.y)):
                if not self.symmetric:
                    yield Tile(rows, columns, polynomial_kernel(x, self.y[columns]))
                elif columns.start >= rows.start:
                    yield Tile(rows, columns, polynomial_kernel(x, x if columns == rows else self.x[columns]))

    def at(self, rows: Codes, columns: Codes) -> Array:
        """The kernel of single pairs: (pairs,), (pairs,) -> (pairs,)."""
        if len(self.x) <= TILE and len(self.y) <= TILE:
            return next(iter(self.tiles())).kernel[rows, columns]
        values = np.empty(len(rows))
        for part in _slices(len(rows)):
            x, y = self.x[rows[part]].astype(np.float64), self.y[columns[part]].astype(np.float64)
            values[part] = (np.einsum("ij,ij->i", x, y) / self.x.shape[1] + 1.0) ** 3
        return values


class KernelBlock:
    """A Gram matrix, some of whose pairs do not count."""

    def __init__(self, gram: Gram, left_out: Pairs | None = None) -> None:
        self._gram, self._left_out = gram, left_out

    @classmethod
    def between(cls, x: Features, y: Features) -> KernelBlock:
        """All pairs of two sets of features (n, d), (m, d)."""
        return cls(Gram(x, y))

    @classmethod
    def of_one(cls, x: Features) -> KernelBlock:
        """All pairs of one set of features (n, d), each image with itself too."""
        return cls(Gram(x))

    @classmethod
    def within(cls, x: Features) -> KernelBlock:
        """All pairs of different images of one set of features (n, d)."""
        images = np.arange(len(x))
        return cls.of_one(x).without_equal(images, images)

    def without_equal(self, x_codes: Codes, y_codes: Codes) -> KernelBlock:
        """The same Gram matrix without pairs of equal codes (n,), (m,): the same image, or the same group."""
        rows, columns = equal_pairs(x_codes, y_codes)
        return KernelBlock(self._gram, Pairs(rows, columns, self._gram.at(rows, columns))) if len(rows) else self

    @property
    def shape(self) -> tuple[int, int]:
        return len(self._gram.x), len(self._gram.y)

    def mean(self, x: Draws, y: Draws) -> Array:
        """Weighted means of the kernel over the pairs that count: weights (draws, n), (draws, m) -> (draws,)."""
        return self.sums(x, y).mean()

    def sums(self, x: Draws, y: Draws) -> Sums:
        """What the means are made of."""
        total = np.zeros(len(x))
        for rows, columns, kernel in self._gram.tiles():
            part = _bilinear(x[:, rows], kernel, y[:, columns])
            if self._gram.symmetric and rows != columns:  # the tile below the diagonal
                part = 2.0 * part if x is y else part + _bilinear(y[:, rows], kernel, x[:, columns])
            total += part
        sums = Sums(total, x.sum(axis=1, dtype=np.float64) * y.sum(axis=1, dtype=np.float64))
        return sums if self._left_out is None else sums - self._left_out.sums(x, y)

    def of_each(self, weights: Array) -> Sums:
        """For each image of the first set, kernel and weight summed over the second: weights (m,) -> (n,)."""
        total = np.zeros(self.shape[0])
        for rows, columns, kernel in self._gram.tiles():
            total[rows] += kernel @ weights[columns]
            if self._gram.symmetric and rows != columns:
                total[columns] += weights[rows] @ kernel
        sums = Sums(total, np.full(len(total), weights.sum()))
        return sums if self._left_out is None else sums - self._left_out.of_each(weights, len(total))

    def of_each_second(self, weights: Array) -> Sums:
        """For each image of the second set of two, the same over the first: weights (n,) -> (m,)."""
        total = np.zeros(self.shape[1])
        for rows, columns, kernel in self._gram.tiles():
            total[columns] += weights[rows] @ kernel
        sums = Sums(total, np.full(len(total), weights.sum()))
        return sums if self._left_out is None else sums - self._left_out.transposed().of_each(weights, len(total))


def equal_pairs(x_codes: Codes, y_codes: Codes) -> tuple[Codes, Codes]:
    """Where codes are equal: row and column of each pair, found by sorting and not by comparing all pairs."""
    order = np.argsort(y_codes, kind="stable")
    first, last = (np.searchsorted(y_codes[order], x_codes, side) for side in ("left", "right"))
    counts = last - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(np.arange(len(x_codes)), counts), order[np.repeat(first, counts) + within]


def as_computed(features: Features) -> Features:
    """Features that fill no more than a tile in float64, so that no block converts them again; others as they are."""
    return features.astype(np.float64, copy=False) if len(features) <= TILE else features


def _bilinear(x: Draws, kernel: Array, y: Draws) -> Array:
    """Σ x·K·y of each draw."""
    return np.einsum("ij,ij->i", x.astype(np.float64, copy=False) @ kernel, y)


def _slices(n: int) -> Iterator[slice]:
    return (slice(start, min(start + TILE, n)) for start in range(0, n, TILE))
