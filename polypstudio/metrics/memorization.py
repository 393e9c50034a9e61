"""Copies: synthetic images that lie nearer to a training image than real images of different patients lie to each other;
and near-duplicates, which lie so near to each other.

Distances are cosine distances of features. The threshold is the 1 % quantile, over the real training images, of the
distance to the nearest training image of another group: a new real image of the same kind is flagged about once in a
hundred times, a training image itself always.
"""

from __future__ import annotations

import numpy as np

from polypstudio.metrics.class_kernels import code_real, code_synthetic
from polypstudio.metrics.features import ClassFeatures
from polypstudio.metrics.neighbours import cosine_distances
from polypstudio.records import PATHOLOGIES, Copy, IterationCopies, IterationDuplicates, SyntheticImage

COPY_QUANTILE = 0.01
DECIMALS = 6  # of a stored distance


def copy_threshold(real: ClassFeatures) -> float:
    """Distance below which a synthetic image counts as a copy, calibrated on the real training images."""
    sets = code_real(real)
    features = np.concatenate([sets[c].features for c in PATHOLOGIES])
    groups = np.concatenate([sets[c].group for c in PATHOLOGIES])
    distances = cosine_distances(features, features)
    distances[groups[:, None] == groups[None, :]] = np.inf
    return float(np.quantile(distances.min(axis=1), COPY_QUANTILE))


def copies(real: ClassFeatures, synthetic: ClassFeatures, iteration: int, threshold: float) -> IterationCopies:
    """The nearest real training image, of either class, of every synthetic image, and whether that is a copy."""
    reference = code_real(real)
    images = code_synthetic(synthetic, reference, f"iteration {iteration}")
    features = np.concatenate([reference[c].features for c in PATHOLOGIES])
    where = [(c, index) for c in PATHOLOGIES for index in range(len(reference[c]))]
    found: list[Copy] = []
    for c in PATHOLOGIES:
        distances = cosine_distances(images[c].features, features)
        nearest = distances.argmin(axis=1)
        for index, (near, distance) in enumerate(zip(nearest, distances.min(axis=1), strict=True)):
            nearest_label, nearest_index = where[near]
            found.append(
                Copy(
                    label=c,
                    index=index,
                    nearest_label=nearest_label,
                    nearest_index=nearest_index,
                    distance=round(float(distance), DECIMALS),
                    is_copy=bool(distance < threshold),
                )
            )
    return IterationCopies(iteration=iteration, images=found)


def near_duplicates(synthetic: ClassFeatures, iteration: int, threshold: float) -> IterationDuplicates:
    """The synthetic images, of both classes together, that repeat each other: joined by distances below the threshold."""
    from scipy.sparse.csgraph import connected_components

    names = [SyntheticImage(c, index) for c in PATHOLOGIES for index in range(len(synthetic[c]))]
    features = np.concatenate([synthetic[c].features for c in PATHOLOGIES])
    _, cluster = connected_components(cosine_distances(features, features) < threshold, directed=False)
    members = [[name for name, own in zip(names, cluster, strict=True) if own == c] for c in np.unique(cluster)]
    clusters = sorted((each for each in members if len(each) > 1), key=len, reverse=True)
    return IterationDuplicates(iteration=iteration, clusters=clusters, n_synthetic=len(names))
