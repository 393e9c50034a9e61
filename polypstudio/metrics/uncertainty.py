"""Resampling: bootstrap over groups, permutation of blocks, and how an interval and a p are read off the draws.

All random numbers come from a seed and a purpose, so that one result does not depend on which others are computed.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from polypstudio.metrics.gram import Array, Codes, Draws, KernelBlock

CONFIDENCE = 0.95


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """A stream of random numbers for one purpose: the same whatever else is drawn."""
    return np.random.default_rng([seed, *(zlib.crc32(word.encode()) for word in purpose)])


def group_weights(groups: Codes, draws: int, rng: np.random.Generator, size: int | None = None) -> Draws:
    """How often each image is drawn when whole groups are drawn with replacement.

    ``groups`` (n,) are the group codes of the images; ``size`` groups are drawn (default: as many as there are).
    Returns weights (draws, n); images of one group have the same weight.
    """
    codes, members = np.unique(groups, return_inverse=True)
    size = len(codes) if size is None else size
    counts = rng.multinomial(size, np.full(len(codes), 1.0 / len(codes)), size=draws)
    return counts.astype(np.uint16)[:, members]


def block_permutations(blocks: Codes, first: NDArray[np.bool_], draws: int, rng: np.random.Generator) -> Draws:
    """Random relabellings of two classes in which every block of images keeps one label.

    ``blocks`` (n,): block of each image, within which ``first`` (n,), membership of the first class, is constant.
    Returns indicator weights (draws, n) of the first class; the number of blocks per class never changes.
    """
    _, start, members = np.unique(blocks, return_index=True, return_inverse=True)
    labels = np.tile(first[start].astype(np.uint8), (draws, 1))
    return rng.permuted(labels, axis=1, out=labels)[:, members]


def floor(real: KernelBlock, groups: Codes, n_synthetic: int, draws: int, rng: np.random.Generator) -> float:
    """95 % quantile of the KID of two random draws from one real class: what "no difference" looks like.

    ``real`` is the Gram block of the class without pairs of one group, ``groups`` (n,) its group codes. Groups are
    drawn whole with replacement: as many as there are for the real side, and for the synthetic side as many as hold
    ``n_synthetic`` images on average. No pair of one group counts, between the two draws either: the two draws are of
    one sample, and its copies would make them alike.
    """
    n_groups = len(np.unique(groups))
    synthetic_groups = max(2, round(n_groups * n_synthetic / len(groups)))
    x = group_weights(groups, draws, rng)
    y = group_weights(groups, draws, rng, synthetic_groups)
    kids = real.mean(x, x) + real.mean(y, y) - 2.0 * real.mean(x, y)
    return float(np.nanquantile(kids, CONFIDENCE))


def ratio_interval(numerator: Array, denominator: Array) -> tuple[float, float] | None:
    """Percentile interval of a ratio from joint draws, or None where it is unbounded.

    A draw whose denominator is not positive says nothing about the ratio, so it lies beyond both ends; with more than
    2.5 % of such draws there is no end (Fieller's case of a denominator that cannot be told from zero).
    """
    defined = denominator > 0
    ratio = np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=defined)
    tail = (1.0 - CONFIDENCE) / 2.0
    low = np.quantile(np.where(defined, ratio, -np.inf), tail, method="lower")
    high = np.quantile(np.where(defined, ratio, np.inf), 1.0 - tail, method="higher")
    return (float(low), float(high)) if np.isfinite([low, high]).all() else None


def interval(draws: Array) -> tuple[float, float]:
    """Percentile interval of bootstrap draws; draws in which the value is undefined (NaN) are left out.

    Percentile: without same-group pairs the resampled MMD² stays centred on its estimate, and keeps its skew to the
    right, which the basic interval would mirror to the wrong side. At a true MMD² > 0 of grouped sets it covered the
    truth in 94-97 % of simulations, the basic interval in 91-96 %, a bootstrap over images in 67-80 %.
    """
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.nanquantile(draws, [tail, 1.0 - tail])
    return float(low), float(high)


def share_interval(
    found: NDArray[np.bool_], groups: Codes, draws: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Interval of the share of images of which something holds, from a bootstrap over groups.

    ``found`` (n,), ``groups`` (n,). Where it holds of all or of none, no resample differs: then the exact interval
    (Clopper and Pearson) of as many independent trials as there are groups.
    """
    if found.all() or not found.any():
        reach = 1.0 - ((1.0 - CONFIDENCE) / 2.0) ** (1.0 / len(np.unique(groups)))
        return (1.0 - reach, 1.0) if found.all() else (0.0, reach)
    weights = group_weights(groups, draws, rng).astype(np.float64)
    return interval(weights @ found / weights.sum(axis=1))


def permutation_p(observed: float, permuted: Array) -> float:
    """(1 + number of permuted values at least as large) / (1 + number of permutations): valid at any number.

    A hair of tolerance keeps relabellings that equal the observed one from being missed by rounding.
    """
    tolerance = 1e-12 * max(1.0, abs(observed))
    return float((1 + np.count_nonzero(permuted >= observed - tolerance)) / (1 + len(permuted)))
