"""Precision, recall, density and coverage of one synthetic set against one real set.

Definitions: Kynkäänniemi et al. 2019 (precision, recall) and Naeem et al. 2020 (density, coverage). Around every image
lies a ball that reaches to its k-th nearest neighbour of the same set, in Euclidean distance. Precision is the share of
synthetic images inside the ball of some real one; recall the share of real images inside the ball of some synthetic
one; density the number of real balls around a synthetic image over k; coverage the share of real balls that hold a
synthetic image. All depend on the numbers of images: compare them with the yardstick, real images of the other split.

The interval of coverage resamples the groups of real images with the balls that they have: it is conditional on the
synthetic images and on the radii. (Resampling before the radii are measured would shrink them, since a copy of an image
is its own nearest neighbour, and would bias coverage downwards.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from polypstudio.errors import UserError
from polypstudio.metrics.features import ClassFeatures, check_features, check_widths
from polypstudio.metrics.gram import Array, Codes
from polypstudio.metrics.uncertainty import generator, share_interval
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, ClassCoverage, Pathology

DEFAULT_K = 5
DRAWS = 1000  # of the bootstrap
ROWS = 1024  # of the distance matrix at once


def default_k(set_sizes: Iterable[int]) -> int:
    """min(5, smallest set − 1): one k for all cells of a study, so that they can be compared."""
    return max(1, min(DEFAULT_K, min(set_sizes) - 1))


def class_coverage(
    real: ClassFeatures, synthetic: ClassFeatures, name: str, k: int, draws: int = DRAWS, seed: int = 0
) -> dict[Pathology, ClassCoverage]:
    """PRDC of each class of ``synthetic``, called ``name`` in errors, against the same class of ``real``."""
    found: dict[Pathology, ClassCoverage] = {}
    for c in PATHOLOGIES:
        x = check_features(real[c].features, f"real {PATHOLOGY_NAMES[c]}")
        y = check_features(synthetic[c].features, f"{name} {PATHOLOGY_NAMES[c]}")
        check_widths({"real": x, name: y})
        found[c] = prdc(x, y, k, real[c].groups, draws, generator(seed, "coverage", c))
    return found


def prdc(
    real: Array,
    synthetic: Array,
    k: int = DEFAULT_K,
    groups: Sequence[str] | None = None,
    draws: int = DRAWS,
    rng: np.random.Generator | None = None,
) -> ClassCoverage:
    """PRDC of features (n, d) and (m, d), ``groups`` (n,) those of the real images (None: each image alone).

    Raises UserError unless both sets have more than ``k`` images.
    """
    if k >= min(len(real), len(synthetic)):
        raise UserError(
            f"coverage by {k} neighbours with {len(real)} real and {len(synthetic)} synthetic images: "
            f"set `coverage_neighbours` below {min(len(real), len(synthetic))}, or add images"
        )
    real_radius, synthetic_radius = _radii(real, k), _radii(synthetic, k)
    balls = np.zeros(len(synthetic))  # real balls around each synthetic image
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for rows in range(0, len(real), ROWS):
        part = slice(rows, rows + ROWS)
        distance = _squared_distances(real[part], synthetic)
        inside = distance < real_radius[part, None]
        balls += inside.sum(axis=0)
        covered[part] = inside.any(axis=1)
        recalled[part] = (distance < synthetic_radius[None, :]).any(axis=1)
    return ClassCoverage(
        precision=_share(balls > 0),
        recall=_share(recalled),
        density=float(balls.mean() / k),
        coverage=_share(covered),
        coverage_ci=share_interval(covered, _codes(groups, len(real)), draws, rng or generator(0, "coverage")),
        n_real=len(real),
        n_synthetic=len(synthetic),
    )


def _codes(groups: Sequence[str] | None, n: int) -> Codes:
    return np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]


def _radii(features: Array, k: int) -> Array:
    """Squared distance of each image to its k-th nearest other image: (n, d) -> (n,)."""
    radii = np.empty(len(features))
    for rows in range(0, len(features), ROWS):
        distance = _squared_distances(features[rows : rows + ROWS], features)
        distance[np.arange(len(distance)), rows + np.arange(len(distance))] = -1.0  # the image itself comes first
        radii[rows : rows + ROWS] = np.partition(distance, k, axis=1)[:, k]
    return radii


def _squared_distances(x: Array, y: Array) -> Array:
    squared = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)[None, :] - 2.0 * (x @ y.T)
    return np.maximum(squared, 0.0)


def _share(found: NDArray[np.bool_]) -> float:
    return float(found.mean())
