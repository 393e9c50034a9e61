"""k-NN class agreement in the original feature space: the number that stands beside every t-SNE picture.

For one image, let k_own and k_other of its k nearest real images (cosine distance) be of its own and of the other
class, of which there are n_own and n_other real images. The agreement of a class is the prior-corrected share

    Σ k_own / n_own  /  (Σ k_own / n_own + Σ k_other / n_other)        summed over the images of the class,

so that a reference with twice as many AD images does not make every image look like AD (sums first: the mean of
single images' shares leans to the larger class). The overall agreement is the mean of the two classes: exactly 0.5 if
both synthetic classes have the same neighbours (class ignored), 1 if all neighbours are of the own class, below 0.5 if
the classes are swapped.

Its interval resamples the synthetic images with the neighbours that they have: it says what other synthetic images of
the same iteration would give, conditional on the real images. (Resampling these would make an image's nearest
neighbours copies of one image.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polypstudio.errors import UserError
from polypstudio.metrics.class_kernels import CodedClasses, code_real, code_synthetic
from polypstudio.metrics.features import ClassFeatures
from polypstudio.metrics.gram import Array, Codes, Features
from polypstudio.metrics.uncertainty import generator, group_weights, interval, share_interval
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
    draws: int = 0,
    seed: int = 0,
) -> NeighbourAgreement:
    """Agreement of the synthetic images of one iteration with their k nearest real images; with ``draws``, intervals."""
    reference = code_real(real)
    images = code_synthetic(synthetic, reference, f"iteration {iteration}")
    votes = _votes(images, reference, k, distances)
    per_class = {c: votes[c].agreement() for c in PATHOLOGIES}
    intervals = {
        c: votes[c].interval(images[c].group, draws, generator(seed, "agreement", c)) for c in PATHOLOGIES if draws
    }
    return NeighbourAgreement(iteration=iteration, overall=_mean(per_class), per_class=per_class, ci=intervals or None)


def real_agreement(real: ClassFeatures, k: int = DEFAULT_K) -> float:
    """Overall agreement of the real images with their k nearest real images of other groups: the ceiling."""
    reference = code_real(real)
    votes = _votes(reference, reference, k)
    return _mean({c: votes[c].agreement() for c in PATHOLOGIES})


def _mean(per_class: dict[Pathology, float]) -> float:
    return (per_class["ad"] + per_class["non_ad"]) / 2.0


@dataclass(frozen=True)
class _Votes:
    """Of the images of one class (n,): the shares of the real images of the own and the other class among their nearest."""

    own: Array
    other: Array

    def agreement(self) -> float:
        return float(self.own.sum() / (self.own.sum() + self.other.sum()))

    def interval(self, groups: Codes, draws: int, rng: np.random.Generator) -> tuple[float, float]:
        if not (self.own.any() and self.other.any()):  # all neighbours are of one class: no resample differs
            return share_interval(self.own > 0, groups, draws, rng)
        weights = group_weights(groups, draws, rng).astype(np.float64)
        own, other = weights @ self.own, weights @ self.other
        return interval(own / (own + other))


def _votes(
    images: CodedClasses, reference: CodedClasses, k: int, distances: Distances = cosine_distances
) -> dict[Pathology, _Votes]:
    features, groups = (
        np.concatenate([getattr(reference[c], field) for c in PATHOLOGIES]) for field in ("features", "group")
    )
    is_ad = np.repeat([True, False], [len(reference[c]) for c in PATHOLOGIES])
    votes: dict[Pathology, _Votes] = {}
    for c in PATHOLOGIES:
        allowed = images[c].group[:, None] != groups[None, :]
        if allowed.sum(axis=1).min() < k:
            raise UserError(f"{k} nearest neighbours of {len(groups)} real images: set k lower or add real images")
        distance = np.where(allowed, distances(images[c].features, features), np.inf)
        nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
        votes[c] = _prior_corrected(is_ad if c == "ad" else ~is_ad, allowed, nearest)
    return votes


def _prior_corrected(own: NDArray[np.bool_], allowed: NDArray[np.bool_], nearest: NDArray[np.intp]) -> _Votes:
    """Votes of one class: membership of real images (m,), candidates (n, m), indices of neighbours (n, k)."""
    k_own = own[nearest].sum(axis=1)
    k_other = nearest.shape[1] - k_own
    # A class without any candidate has no neighbours either: dividing by 1 leaves its share at 0.
    return _Votes(
        k_own / np.maximum((allowed & own).sum(axis=1), 1), k_other / np.maximum((allowed & ~own).sum(axis=1), 1)
    )
