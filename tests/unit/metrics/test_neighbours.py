"""k-NN class agreement and copies: known answers on constructed sets."""

from __future__ import annotations

import numpy as np
import pytest

from polypstudio.errors import UserError
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.memorization import copies, copy_threshold, near_duplicates
from polypstudio.metrics.neighbours import class_agreement, cosine_distances, map_distances, real_agreement

RNG = np.random.default_rng(0)
AD, NON_AD = np.eye(8)[0] * 6, np.eye(8)[1] * 6


def around(centre: np.ndarray, n: int) -> FeatureSet:
    return FeatureSet(centre + RNG.normal(size=(n, 8)))


REAL = ClassFeatures(around(AD, 60), around(NON_AD, 30))


def test_cosine_distances() -> None:
    np.testing.assert_allclose(
        cosine_distances(np.eye(2), np.array([[3.0, 0], [0, -1], [0, 0]])), [[0, 1, 1], [1, 2, 1]]
    )


def test_right_classes_agree_and_swapped_ones_do_not() -> None:
    right = class_agreement(REAL, ClassFeatures(around(AD, 20), around(NON_AD, 20)), 1000)
    swapped = class_agreement(REAL, ClassFeatures(around(NON_AD, 20), around(AD, 20)), 1000)
    assert right.overall > 0.95
    assert swapped.overall < 0.05
    assert real_agreement(REAL) > 0.95


def test_ignored_class_is_at_one_half_exactly_even_with_unequal_reference() -> None:
    same = around((AD + NON_AD) / 2, 25)
    assert class_agreement(REAL, ClassFeatures(same, same), 1000).overall == pytest.approx(0.5, abs=1e-12)


def test_the_larger_class_does_not_win_by_number() -> None:
    real = ClassFeatures(around(AD, 300), around(AD, 30))
    agreement = class_agreement(real, ClassFeatures(around(AD, 200), around(AD, 200)), 1000)
    assert agreement.per_class["non_ad"] > 0.4


def test_the_ceiling_leaves_out_the_own_group() -> None:
    noise = RNG.normal(size=(40, 8))
    noise[20:] = noise[:20] + 1e-6  # each image twice, in one group and one class
    groups = [f"patient {i % 20}" for i in range(40)]
    other = [f"other {i}" for i in range(40)]
    paired = ClassFeatures(FeatureSet(noise, groups), FeatureSet(RNG.normal(size=(40, 8)), other))
    ungrouped = ClassFeatures(FeatureSet(noise), paired.non_ad)
    assert real_agreement(ungrouped, k=1) > real_agreement(paired, k=1) + 0.15


def test_more_neighbours_than_images() -> None:
    with pytest.raises(UserError, match="100 nearest neighbours of 90 real images"):
        class_agreement(REAL, REAL, 1000, k=100)


def test_training_images_are_copies_and_new_ones_rarely() -> None:
    threshold = copy_threshold(REAL)
    new = ClassFeatures(around(AD, 200), around(NON_AD, 200))
    flagged = [image.is_copy for image in copies(REAL, new, 1000, threshold).images]
    assert np.mean(flagged) <= 0.05
    copied = copies(REAL, REAL, 1000, threshold).images
    assert all(image.is_copy for image in copied)
    assert all((image.label, image.index) == (image.nearest_label, image.nearest_index) for image in copied)
    assert max(image.distance for image in copied) == pytest.approx(0, abs=1e-12)


def test_near_duplicates_are_found_as_clusters_across_the_classes() -> None:
    threshold = copy_threshold(REAL)
    ad, non_ad = around(AD, 10).features, around(NON_AD, 8).features
    ad[4], non_ad[2], non_ad[6] = ad[1], ad[1] * 1.001, non_ad[5] + 1e-4
    found = near_duplicates(ClassFeatures(FeatureSet(ad), FeatureSet(non_ad)), 1000, threshold)
    assert found.clusters == [[("ad", 1), ("ad", 4), ("non_ad", 2)], [("non_ad", 5), ("non_ad", 6)]]
    assert (found.images, found.n_synthetic) == (5, 18)


def test_new_images_are_rarely_near_duplicates() -> None:
    images = ClassFeatures(around(AD, 60), around(NON_AD, 30))
    found = near_duplicates(images, 1000, copy_threshold(REAL))
    assert found.images <= 0.1 * found.n_synthetic


def test_on_a_map_neighbours_are_near_in_the_plane() -> None:
    """Two islands on one ray from the origin are one place by cosine and two on a map."""
    near, far = RNG.normal(size=(20, 2)) * 0.1 + [1, 1], RNG.normal(size=(20, 2)) * 0.1 + [9, 9]
    points = ClassFeatures(FeatureSet(near), FeatureSet(far))
    assert class_agreement(points, points, 1, k=5, distances=map_distances).overall == 1
    assert class_agreement(points, points, 1, k=5).overall < 0.9


def test_the_interval_of_agreement_holds_what_many_other_images_give() -> None:
    random = np.random.default_rng(1)

    def drawn(n: int) -> FeatureSet:
        return FeatureSet((0.55 * AD + 0.45 * NON_AD) + random.normal(size=(n, 8)))

    truth = class_agreement(REAL, ClassFeatures(drawn(3000), drawn(3000)), 1).per_class["ad"]
    covered = 0
    for seed in range(60):
        found = class_agreement(REAL, ClassFeatures(drawn(40), drawn(40)), 1, draws=300, seed=seed)
        assert found.ci is not None
        covered += found.ci["ad"][0] <= truth <= found.ci["ad"][1]
    assert covered >= 51  # of 60: 95 % is expected
    assert class_agreement(REAL, ClassFeatures(drawn(40), drawn(40)), 1).ci is None


def test_agreement_of_all_images_is_not_certain() -> None:
    found = class_agreement(REAL, ClassFeatures(around(AD, 20), around(NON_AD, 20)), 1, draws=100)
    assert found.per_class["ad"] == 1
    assert found.ci is not None
    assert found.ci["ad"] == pytest.approx((0.8316, 1), abs=1e-4)  # Clopper and Pearson, 20 of 20
