"""t-SNE with openTSNE. A 2-D picture is no evidence: `neighbours` gives the number that stands beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from polypstudio.errors import UserError
from polypstudio.metrics.features import check_features
from polypstudio.metrics.gram import Array

COMPONENTS = 50
LARGE = 2000  # images from which interpolation beats the Barnes-Hut tree, and two threads beat one


def principal_components(features: Array, components: int, seed: int) -> Array:
    """The leading principal components (n, components) of features (n, d), or the features if they have no more."""
    from sklearn.decomposition import PCA

    components = min(components, *features.shape)
    if components == features.shape[1]:
        return features
    return PCA(components, random_state=seed).fit_transform(features)


def joint_embedding(features: ArrayLike, perplexity: float = 30.0, seed: int = 0) -> Array:
    """One t-SNE map (n, 2) of all images together: features (n, d) of real images and of all iterations.

    Fitted jointly, so real images stand still while one scrubs through the iterations. As usual, the features are
    first reduced to 50 principal components, and the map starts from the first two. The same input and seed give the
    same map. Raises UserError if the perplexity does not fit the number of images.
    """
    array = check_features(features, "t-SNE")
    largest = (len(array) - 1) / 3
    if not 1 <= perplexity <= largest:
        raise UserError(
            f"t-SNE perplexity {perplexity:g} with {len(array)} images: set it between 1 and {largest:.0f}, "
            "a third of the images"
        )
    from openTSNE import TSNE

    large = len(array) >= LARGE
    tsne = TSNE(
        perplexity=perplexity,
        initialization="pca",
        negative_gradient_method="fft" if large else "bh",
        # On a busy machine two threads wait for each other at every one of 750 steps: 10 times slower on small maps.
        n_jobs=2 if large else 1,
        random_state=seed,
    )
    return np.array(tsne.fit(principal_components(array, COMPONENTS, seed)), dtype=np.float64)
