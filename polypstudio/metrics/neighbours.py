"""k-NN class agreement in the original feature space: the number that stands beside every t-SNE picture.

For one image, let k_own and k_other of its k nearest real images (cosine distance) be of its own and of the other
class, of which there are n_own and n_other real images. The agreement of a class is the prior-corrected share

    Σ k_own / n_own  /  (Σ k_own / n_own + Σ k_other / n_other)        summed over the images of the class,

so that a reference with twice as many AD images does not make every image look like AD (sums first: the mean of
single images' shares leans to the larger class). The overall agreement is the mean of the two classes: exactly 0.5 if
both synthetic classes have the same neighbours (class ignored), 1 if all neighbours are of the own class, below 0.5 if
the classes are swapped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from polypstudio.errors import UserError
from polypstudio.metrics.class_kernels import CodedClasses, code_real, code_synthetic
from polypstudio.metrics.features import ClassFeatures
from polypstudio.metrics.gram import Array, Features
from polypstudio.records import PATHOLOGIES, NeighbourAgreement, Pathology

DEFAULT_K = 10
Distances = Callable[[Features, Features], Array]


def cosine_distances(x: Features, y: Features) -> Array:
    """1 − cosine similarity of all pairs, in [0, 2]: (n, d), (m, d) -> (n, m). A zero vector is at distance 1."""
    tiny = np.finfo(np.float64).tiny
    x, y = x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), tiny)
    y = y / np.maximum(np.linalg.norm(y, axis=1, keepdims=True), tiny)
    return np.clip(1.0 - x @ y.T, 0.0, 2.0)


def map_distances(x: Features, y: Features) -> Array:
    """Euclidean distances of all pairs of points on a map: (n, 2), (m, 2) -> (n, m)."""
    return np.linalg.norm(x[:, None, :] - y[None, :, :], axis=2)


def class_agreement(
    real: ClassFeatures,
    synthetic: ClassFeatures,
    iteration: int,
    k: int = DEFAULT_K,
    distances: Distances = cosine_distances,
) -> NeighbourAgreement:
    """Agreement of the synthetic images of one iteration with their k nearest real images."""
    reference = code_real(real)
    images = code_synthetic(synthetic, reference, f"iteration {iteration}")
    per_class = _agreement(images, reference, k, distances)
    return NeighbourAgreement(iteration=iteration, overall=_mean(per_class), per_class=per_class)


def real_agreement(real: ClassFeatures, k: int = DEFAULT_K) -> float:
    """Overall agreement of the real images with their k nearest real images of other groups: the ceiling."""
    reference = code_real(real)
    return _mean(_agreement(reference, reference, k))


def _mean(per_class: dict[Pathology, float]) -> float:
    return (per_class["ad"] + per_class["non_ad"]) / 2.0


def _agreement(
    images: CodedClasses, reference: CodedClasses, k: int, distances: Distances = cosine_distances
) -> dict[Pathology, float]:
    features, groups = (
        np.concatenate([getattr(reference[c], field) for c in PATHOLOGIES]) for field in ("features", "group")
    )
    is_ad = np.repeat([True, False], [len(reference[c]) for c in PATHOLOGIES])
    shares: dict[Pathology, float] = {}
    for c in PATHOLOGIES:
        allowed = images[c].group[:, None] != groups[None, :]
        if allowed.sum(axis=1).min() < k:
            raise UserError(f"{k} nearest neighbours of {len(groups)} real images: set k lower or add real images")
        distance = np.where(allowed, distances(images[c].features, features), np.inf)
        nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
        own = is_ad if c == "ad" else ~is_ad
        shares[c] = _prior_corrected_share(own, allowed, nearest)
    return shares


def _prior_corrected_share(own: NDArray[np.bool_], allowed: NDArray[np.bool_], nearest: NDArray[np.intp]) -> float:
    """Agreement of one class: membership of real images (m,), candidates (n, m), indices of neighbours (n, k)."""
    k_own = own[nearest].sum(axis=1)
    k_other = nearest.shape[1] - k_own
    # A class without any candidate has no neighbours either: dividing by 1 leaves its share at 0.
    share_own = (k_own / np.maximum((allowed & own).sum(axis=1), 1)).sum()
    share_other = (k_other / np.maximum((allowed & ~own).sum(axis=1), 1)).sum()
    return float(share_own / (share_own + share_other))
