"""Kernel Inception Distance: the unbiased squared MMD of two feature sets under a cubic polynomial kernel.

Definition: Bińkowski et al., "Demystifying MMD GANs" (2018); estimator: Gretton et al., "A Kernel Two-Sample Test"
(2012), eq. 3. Everything is float64, and negative values stay negative: the estimator is unbiased around zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from polypstudio.errors import UserError
from polypstudio.metrics.features import check_widths, checked
from polypstudio.metrics.gram import Draws, KernelBlock

LARGEST_DEFAULT_SUBSET = 100


class SubsetKid(NamedTuple):
    """KID as papers print it. ``sd`` is the SD over subsets: it depends on their size and is no standard error."""

    mean: float
    sd: float
    size: int
    subsets: int


def kid(real: ArrayLike, synthetic: ArrayLike) -> float:
    """KID of all images: features (n, d) and (m, d), of any sizes >= 2."""
    x, y = checked(real, "real"), checked(synthetic, "synthetic")
    check_widths({"real": x, "synthetic": y})
    xx, yy, xy = KernelBlock.within(x), KernelBlock.within(y), KernelBlock.between(x, y)
    one, other = np.ones((1, len(x))), np.ones((1, len(y)))
    return float(xx.mean(one, one)[0] + yy.mean(other, other)[0] - 2.0 * xy.mean(one, other)[0])


def default_subset_size(set_sizes: Iterable[int]) -> int:
    """min(100, half of the smallest set): one size for all cells of a study, so that they can be compared."""
    return check_subset_size(min(LARGEST_DEFAULT_SUBSET, min(sizes := list(set_sizes)) // 2), sizes)


def check_subset_size(size: int, set_sizes: Iterable[int]) -> int:
    """The size itself; raises UserError if it is below 2 or above the smallest set. It is never clamped."""
    smallest = min(set_sizes)
    if size > smallest:
        raise UserError(
            f"KID subset size {size} is above the smallest set ({smallest} images): set it to {smallest} or less"
        )
    if size < 2:
        raise UserError(
            f"KID subset size {size} with {smallest} images in the smallest set: subsets need 2 images or more"
        )
    return size


def subset_draws(n: int, size: int, subsets: int, rng: np.random.Generator) -> Draws:
    """Random subsets of one size without replacement, as indicator weights (subsets, n)."""
    weights = np.zeros((subsets, n), np.uint8)
    weights[:, :size] = 1
    return rng.permuted(weights, axis=1, out=weights)


def subset_kid(real: ArrayLike, synthetic: ArrayLike, size: int, subsets: int = 100, seed: int = 0) -> SubsetKid:
    """Mean and SD (over subsets, ddof 0 as torchmetrics and torch-fidelity) of KID on random subsets of one size."""
    x, y = checked(real, "real"), checked(synthetic, "synthetic")
    check_widths({"real": x, "synthetic": y})
    check_subset_size(size, (len(x), len(y)))
    rng = np.random.default_rng(seed)
    x_draws, y_draws = subset_draws(len(x), size, subsets, rng), subset_draws(len(y), size, subsets, rng)
    xx, yy, xy = KernelBlock.within(x), KernelBlock.within(y), KernelBlock.between(x, y)
    values = xx.mean(x_draws, x_draws) + yy.mean(y_draws, y_draws) - 2.0 * xy.mean(x_draws, y_draws)
    return SubsetKid(float(values.mean()), float(values.std()), size, subsets)
