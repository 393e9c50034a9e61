"""Rates, d', AUC and kappa against published examples and reference implementations."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from polypstudio.metrics.agreement import (
    auc,
    clopper_pearson,
    d_prime,
    d_prime_of_pairs,
    fleiss_kappa,
    krippendorff_alpha,
)

# Fleiss (1971) as worked through in the literature: ten subjects, fourteen raters, five categories; kappa = 0.210.
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (5, 10, 0.1871, 0.8129), (64, 77, 0.7287, 0.9069)],
)
def test_clopper_pearson_equals_tables(successes: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(successes, n) == pytest.approx((low, high), abs=1e-4)


def test_clopper_pearson_equals_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for n in (1, 7, 40):
        for k in range(n + 1):
            expected = proportion.proportion_confint(k, n, alpha=0.05, method="beta")
            assert clopper_pearson(k, n) == pytest.approx(expected, abs=1e-10)


def test_clopper_pearson_covers_at_least_its_level() -> None:
    rng = np.random.default_rng(0)
    for rate in (0.05, 0.3, 0.5):
        intervals = [clopper_pearson(int(k), 30) for k in rng.binomial(30, rate, 2000)]
        assert np.mean([low <= rate <= high for low, high in intervals]) >= 0.945


def test_a_proportion_out_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 of 0"):
        clopper_pearson(0, 0)


def test_d_prime_of_guessing_and_of_a_known_observer() -> None:
    assert d_prime(30, 60, 30, 60) == pytest.approx(0.0)
    # hit rate .841, false alarms .159: one SD to either side (many trials, so that the correction is negligible)
    assert d_prime(84_134, 100_000, 15_866, 100_000) == pytest.approx(2.0, abs=1e-3)


def test_d_prime_stays_finite_at_perfection_and_changes_sign_with_the_roles() -> None:
    perfect = d_prime(10, 10, 0, 10)
    assert perfect == pytest.approx(2 * 1.6906, abs=1e-3)
    assert d_prime(0, 10, 10, 10) == pytest.approx(-perfect)


def test_auc_equals_scikit_learn_with_ties() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    positive = rng.random(200) < 0.4
    scores = np.clip(np.round(rng.normal(3 + positive, 1.2)), 1, 6)
    assert auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_auc_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auc(np.array([1.0, 2.0]), np.array([True, True]))


def test_fleiss_kappa_of_the_published_table() -> None:
    assert fleiss_kappa(np.array(FLEISS)) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_kappa_equals_statsmodels() -> None:
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    votes = np.random.default_rng(2).binomial(5, 0.35, 40)
    counts = np.stack([votes, 5 - votes], axis=1)
    assert fleiss_kappa(counts) == pytest.approx(inter_rater.fleiss_kappa(counts), abs=1e-12)


def test_fleiss_kappa_at_its_ends() -> None:
    assert fleiss_kappa(np.array([[3, 0], [0, 3]])) == pytest.approx(1.0)
    assert np.isnan(fleiss_kappa(np.array([[3, 0], [3, 0]])))


def test_fleiss_kappa_refuses_unequal_numbers_of_raters() -> None:
    with pytest.raises(ValueError, match="same number"):
        fleiss_kappa(np.array([[2, 0], [1, 2]]))


# Krippendorff's own example (2011, "Computing Krippendorff's Alpha-Reliability"): four observers, twelve units.
NAN = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)


def test_krippendorff_alpha_of_the_published_example() -> None:
    assert krippendorff_alpha(KRIPPENDORFF) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(KRIPPENDORFF, "ordinal") == pytest.approx(0.815, abs=5e-4)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_krippendorff_alpha_equals_the_reference_package(level: Literal["nominal", "ordinal"]) -> None:
    reference = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(3)
    for missing in (0.0, 0.3, 0.6):
        steps = np.clip(rng.integers(1, 7, 30) + rng.integers(-2, 3, (5, 30)), 1, 6).astype(float)
        steps[rng.random(steps.shape) < missing] = np.nan
        expected = reference.alpha(reliability_data=steps, level_of_measurement=level)
        assert krippendorff_alpha(steps, level) == pytest.approx(expected, abs=1e-12)


def test_krippendorff_alpha_at_its_ends() -> None:
    assert krippendorff_alpha(np.array([[1.0, 2, 3], [1, 2, 3]])) == pytest.approx(1.0)
    assert krippendorff_alpha(np.array([[1.0, 2], [2, 1]])) < 0
    assert np.isnan(krippendorff_alpha(np.array([[1.0, 1], [1, 1]])))
    assert np.isnan(krippendorff_alpha(np.array([[1.0, NAN], [NAN, 2]])))
    assert np.isnan(krippendorff_alpha(np.zeros((0, 0))))


def test_d_prime_of_pairs_is_that_of_the_published_table() -> None:
    """Macmillan & Creelman (2005), table A5.2: 0.76 right in 2AFC is a d' of 1.00, 0.92 is 1.99."""
    assert d_prime_of_pairs(0.76, 1_000_000) == pytest.approx(1.00, abs=0.005)
    assert d_prime_of_pairs(0.92, 1_000_000) == pytest.approx(1.99, abs=0.005)
    assert d_prime_of_pairs(0.5, 10) == pytest.approx(0.0)
    assert np.isfinite(d_prime_of_pairs(1.0, 10))
