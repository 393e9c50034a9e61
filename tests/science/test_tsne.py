"""The map is reproducible, keeps neighbourhoods (as openTSNE tests it), and says no when it cannot be drawn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from polypstudio.errors import UserError
from polypstudio.metrics.tsne import embedding


def islands(n: int, count: int, d: int = 64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(count), n)
    return 3 * rng.normal(size=(count, d))[labels] + rng.normal(size=(n * count, d)), labels


def test_neighbours_in_space_are_neighbours_on_the_map() -> None:
    features, labels = islands(30, 5)
    points = embedding(features, perplexity=15, seed=0)
    assert points.shape == (150, 2)
    before = KNeighborsClassifier(10).fit(features, labels).predict(features)
    after = KNeighborsClassifier(10).fit(points, labels).predict(points)
    assert np.mean(before == after) >= 0.98
    shuffled = np.random.default_rng(1).permutation(labels)
    assert KNeighborsClassifier(10).fit(points, shuffled).score(points, shuffled) < 0.6


def test_same_input_and_seed_give_the_same_map() -> None:
    features, _ = islands(20, 3)
    np.testing.assert_array_equal(embedding(features, 10, seed=4), embedding(features, 10, seed=4))


@pytest.mark.parametrize("perplexity", [0.5, 21])
def test_perplexity_must_fit_the_number_of_images(perplexity: float) -> None:
    with pytest.raises(UserError, match=r"perplexity .* with 60 images: set it between 1 and 20"):
        embedding(islands(20, 3)[0], perplexity)


def test_bad_features() -> None:
    with pytest.raises(UserError, match="t-SNE: NaN"):
        embedding(np.full((60, 4), np.nan))
