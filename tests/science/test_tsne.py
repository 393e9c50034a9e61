"""The map is reproducible, keeps neighbourhoods (as openTSNE tests it), and says no when it cannot be drawn."""

from __future__ import annotations

import numpy as np
import pytest
from openTSNE import TSNE
from sklearn.neighbors import KNeighborsClassifier

from polypstudio.errors import UserError
from polypstudio.metrics import tsne
from polypstudio.metrics.tsne import (
    class_silhouette,
    embedding,
    map_trustworthiness,
    reference_embedding,
    shared_neighbours,
)


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


def test_a_small_map_is_the_one_that_opentsne_itself_makes() -> None:
    features, _ = islands(20, 5, d=20)
    theirs = TSNE(perplexity=10, initialization="pca", negative_gradient_method="bh", random_state=3).fit(features)
    np.testing.assert_array_equal(embedding(features, 10, seed=3), theirs)


def test_a_large_map_whose_gradient_changes_half_way_keeps_neighbourhoods_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, labels = islands(60, 8)
    by_tree = embedding(features, 20)
    monkeypatch.setattr(tsne, "LARGE", 100)
    by_both = embedding(features, 20)
    assert not np.array_equal(by_both, by_tree)
    assert KNeighborsClassifier(10).fit(by_both, labels).score(by_both, labels) >= 0.98
    trust = [map_trustworthiness(features, points, 15) for points in (by_both, by_tree)]
    assert trust[0] >= trust[1] - 0.01


@pytest.mark.parametrize("perplexity", [0.5, 21])
def test_perplexity_must_fit_the_number_of_images(perplexity: float) -> None:
    with pytest.raises(UserError, match=r"perplexity .* with 60 images: set it between 1 and 20"):
        embedding(islands(20, 3)[0], perplexity)


def test_bad_features() -> None:
    with pytest.raises(UserError, match="t-SNE: NaN"):
        embedding(np.full((60, 4), np.nan))


def test_on_the_reference_map_synthetic_images_lie_among_the_real_ones_they_resemble() -> None:
    """As openTSNE tests its transform: the class of the neighbours before and after."""
    features, labels = islands(40, 4)
    rng = np.random.default_rng(2)
    real = rng.permutation(160) < 110
    x, y = reference_embedding(features[real], features[~real], perplexity=15)
    before = KNeighborsClassifier(10).fit(features[real], labels[real]).predict(features[~real])
    after = KNeighborsClassifier(10).fit(x, labels[real]).predict(y)
    assert np.mean(before == after) >= 0.95
    assert np.mean(after == labels[~real]) >= 0.95


def test_the_reference_map_knows_no_synthetic_image() -> None:
    """Real points are where they are without any; a synthetic point is where it is without the others."""
    features, _ = islands(25, 3)
    real, synthetic = features[:60], features[60:]
    x, y = reference_embedding(real, synthetic, perplexity=15)
    x_of_few, y_of_few = reference_embedding(real, synthetic[:5], perplexity=15)
    np.testing.assert_allclose(x, x_of_few, atol=1e-9)
    np.testing.assert_allclose(y[:5], y_of_few, atol=1e-3)
    alone = embedding(real, perplexity=15)
    np.testing.assert_allclose(x - x.mean(axis=0), alone - alone.mean(axis=0), atol=1e-6)


def test_trustworthiness_tells_a_true_map_from_a_shuffled_one() -> None:
    features, _ = islands(30, 4)
    points = embedding(features, perplexity=15)
    assert map_trustworthiness(features, points, 10) > 0.9
    assert map_trustworthiness(features, np.random.default_rng(0).permutation(points), 10) < 0.65


def test_silhouette_of_classes_apart_and_of_classes_mixed() -> None:
    points = np.random.default_rng(0).normal(size=(100, 2))
    is_ad = np.arange(100) < 50
    assert abs(class_silhouette(points, is_ad, "euclidean")) < 0.1
    assert class_silhouette(points + 9 * is_ad[:, None], is_ad, "euclidean") > 0.7


def test_neighbours_shared_by_two_maps() -> None:
    points = np.random.default_rng(0).normal(size=(80, 2))
    turned = points @ np.array([[0, 2], [-2, 0]])
    assert shared_neighbours(points, turned, 5) == 1
    assert shared_neighbours(points, np.random.default_rng(1).permutation(points), 5) < 0.2
    features, _ = islands(15, 3)
    first, second = (embedding(features, 8, seed=seed) for seed in (0, 1))
    assert shared_neighbours(first, second, 10) > 0.6


def test_more_neighbours_than_a_small_map_has() -> None:
    assert 0 <= map_trustworthiness(np.random.default_rng(0).normal(size=(8, 5)), np.zeros((8, 2)), 10) <= 1
