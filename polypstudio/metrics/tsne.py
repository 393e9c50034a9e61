"""t-SNE with openTSNE, in three alignments, and the numbers that say what a picture is worth.

*joint*: one map of the real images and all iterations, so that real images stand still while one scrubs. *reference*: a
map of the real images alone, on which synthetic ones are placed; they cannot form islands of their own. *iteration*: a
map of the real images and one iteration, as the paper's Fig. 2; two such maps cannot be compared point by point.
A 2-D picture is no evidence: `neighbours` gives the number that stands beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polypstudio.errors import UserError
from polypstudio.metrics.features import check_features, check_widths
from polypstudio.metrics.gram import Array

COMPONENTS = 50
LARGE = (
    2000  # images from which two threads beat one, and interpolation the Barnes-Hut tree on an exaggerated, small map
)
VERY_LARGE = 10_000  # images from which interpolation beats the tree on a full-grown map too


def embedding(features: ArrayLike, perplexity: float = 30.0, seed: int = 0) -> Array:
    """One t-SNE map (n, 2) of features (n, d): of all images (joint), or of the real ones and one iteration.

    As usual, the features are first reduced to 50 principal components, and the map starts from the first two. The same
    input and seed give the same map. Raises UserError if the perplexity does not fit the number of images.
    """
    array = check_features(features, "t-SNE")
    _check_perplexity(perplexity, len(array))
    reduction = _reduction(array, seed)
    return np.array(
        _fit(array if reduction is None else reduction.transform(array), perplexity, seed), dtype=np.float64
    )


def reference_embedding(
    real: ArrayLike, synthetic: ArrayLike, perplexity: float = 30.0, seed: int = 0
) -> tuple[Array, Array]:
    """A map of the real images (n, 2) that knows no synthetic one, and the places of the synthetic images on it (m, 2).

    The real images are reduced and mapped as in :func:`embedding`; openTSNE's ``transform`` then moves each synthetic
    image among the fixed real ones, by its similarity to them alone. So no synthetic image depends on another.
    """
    x, y = check_features(real, "t-SNE, real"), check_features(synthetic, "t-SNE, synthetic")
    check_widths({"real": x, "synthetic": y})
    _check_perplexity(perplexity, len(x))
    reduction = _reduction(x, seed)
    if reduction is not None:
        x, y = reduction.transform(x), reduction.transform(y)
    fitted = _fit(x, perplexity, seed)
    placed = fitted.transform(y, perplexity=min(5.0, perplexity), learning_rate=0.1)
    return np.array(fitted, dtype=np.float64), np.array(placed, dtype=np.float64)


def map_trustworthiness(features: ArrayLike, points: ArrayLike, k: int) -> float:
    """How many of an image's neighbours on the map are its neighbours in the feature space (Venna & Kaski 2001).

    1: all; intruders count by how far away they truly are. Cosine distance, as everywhere among neighbours.
    """
    from sklearn.manifold import trustworthiness

    features = check_features(features, "trustworthiness")
    return float(
        trustworthiness(features, np.asarray(points), n_neighbors=min(k, (len(features) - 1) // 2), metric="cosine")
    )


def class_silhouette(points: ArrayLike, is_ad: NDArray[np.bool_], metric: str) -> float:
    """How far AD and Non-AD part: mean silhouette of the two classes, -1 to 1; 0 where they overlap."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(np.asarray(points), is_ad, metric=metric))


def shared_neighbours(first: Array, second: Array, k: int) -> float:
    """Share of an image's k neighbours on one map (n, 2) that are its neighbours on the other: what a seed leaves alone."""
    from sklearn.neighbors import NearestNeighbors

    near = [NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (first, second)]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(*near, strict=True)]))


def _reduction(features: Array, seed: int) -> Any:
    """The PCA onto the leading 50 components, fitted, or None where the features have no more."""
    from sklearn.decomposition import PCA

    components = min(COMPONENTS, *features.shape)
    return None if components == features.shape[1] else PCA(components, random_state=seed).fit(features)


def _check_perplexity(perplexity: float, n: int) -> None:
    largest = (n - 1) / 3
    if not 1 <= perplexity <= largest:
        raise UserError(
            f"t-SNE perplexity {perplexity:g} with {n} images: set it between 1 and {largest:.0f}, a third of the images"
        )


def _fit(reduced: Array, perplexity: float, seed: int) -> Any:
    """What openTSNE's own ``fit`` does, each of its two phases with the gradient that is the faster one there."""
    from openTSNE import TSNE

    # Interpolation costs by the map's area, which is small while exaggerated; the Barnes-Hut tree by the number of images.
    early, late = ("fft" if len(reduced) >= n else "bh" for n in (LARGE, VERY_LARGE))
    tsne = TSNE(
        perplexity=perplexity,
        initialization="pca",
        neighbors="exact",
        negative_gradient_method=late,
        # On a busy machine two threads wait for each other at every one of 750 steps: 10 times slower on small maps.
        n_jobs=2 if len(reduced) >= LARGE else 1,
        random_state=seed,
    )
    fitted = tsne.prepare_initial(reduced)
    exaggerated = {"exaggeration": tsne.early_exaggeration, "momentum": tsne.initial_momentum}
    fitted.optimize(tsne.early_exaggeration_iter, inplace=True, negative_gradient_method=early, **exaggerated)
    fitted.optimize(tsne.n_iter, inplace=True)
    return fitted
