"""Intervals over readers and images: what they estimate, and that they cover it. The long simulation is evidence."""

from __future__ import annotations

import numpy as np
import pytest
from reading_coverage import coverage_of_agreement, coverage_of_auc, coverage_of_rate

from polypstudio.metrics.agreement import auc, clopper_pearson, d_prime, fleiss_kappa, krippendorff_alpha
from polypstudio.reading import intervals
from polypstudio.reading.intervals import auc_statistic, crossed_estimate, d_prime_statistic, share_statistic
from polypstudio.reading.pairs import alpha_statistic, kappa_statistic


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_the_statistics_are_the_plain_ones_when_everybody_counts_once(rng: np.random.Generator) -> None:
    real = np.arange(30) < 12
    steps = rng.integers(1, 7, (3, 30)).astype(float)
    steps[0, [3, 20]] = np.nan
    ones = np.ones((1, 3)), np.ones((1, 30))
    own = [~np.isnan(row) for row in steps]
    areas = [auc(row[known], real[known]) for row, known in zip(steps, own, strict=True)]
    assert auc_statistic(steps, real)(*ones)[0] == pytest.approx(np.mean(areas))
    called = np.where(np.isnan(steps), np.nan, steps > 3)
    sensitivities = [
        d_prime(int(row[k & real].sum()), int((k & real).sum()), int(row[k & ~real].sum()), int((k & ~real).sum()))
        for row, k in zip(called, own, strict=True)
    ]
    assert d_prime_statistic(called, real)(*ones)[0] == pytest.approx(np.mean(sensitivities))
    assert share_statistic(called)(*ones)[0] == pytest.approx(np.nanmean(called))


def test_drawing_an_image_twice_is_having_it_twice(rng: np.random.Generator) -> None:
    real = np.arange(10) < 5
    steps = rng.integers(1, 7, (2, 10)).astype(float)
    images = np.array([[2, 0, 1, 1, 1, 0, 2, 1, 1, 1]], float)
    twice = np.repeat(np.arange(10), images[0].astype(int))
    weighted = auc_statistic(steps, real)(np.array([[0.0, 2.0]]), images)[0]
    assert weighted == pytest.approx(auc(steps[1][twice], real[twice]))


def test_where_all_agree_the_interval_is_exact_in_the_images(rng: np.random.Generator) -> None:
    estimate = crossed_estimate(share_statistic(np.ones((3, 12))), 3, np.zeros(12), rng)
    assert estimate.value == 1
    assert estimate.ci == pytest.approx(clopper_pearson(12, 12))


def test_the_interval_holds_its_value_and_is_a_share(rng: np.random.Generator) -> None:
    for _ in range(20):
        values = (rng.random((3, 8)) < rng.random()).astype(float)
        estimate = crossed_estimate(share_statistic(values), 3, np.zeros(8), rng)
        assert 0 <= estimate.ci[0] <= estimate.value <= estimate.ci[1] <= 1


def test_more_readers_narrow_it(rng: np.random.Generator) -> None:
    def width(n_readers: int) -> float:
        values = (rng.normal(0, 1, (n_readers, 30)) + rng.normal(0, 0.5, (n_readers, 1)) > 0).astype(float)
        low, high = crossed_estimate(share_statistic(values), n_readers, np.zeros(30), rng).ci
        return high - low

    assert np.mean([width(12) for _ in range(5)]) < 0.7 * np.mean([width(3) for _ in range(5)])


@pytest.mark.parametrize(("readers", "images", "sd"), [(3, 20, 0.5), (8, 15, 0.8)])
def test_a_rate_is_covered(readers: int, images: int, sd: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 300)
    covered, _ = coverage_of_rate(readers, images, sd, sd, 0.3, draws=120)
    assert 0.89 <= covered <= 1


def test_an_auc_is_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 300)
    covered, _ = coverage_of_auc(4, 20, 20, 0.3, 0.5, 1.0, draws=80)
    assert 0.87 <= covered <= 1


def test_agreement_is_the_plain_one_when_everybody_counts_once(rng: np.random.Generator) -> None:
    """Its references (statsmodels, the package krippendorff) are compared with the plain ones in test_agreement."""
    ones = np.ones((1, 5)), np.ones((1, 40))
    votes = (rng.random((5, 40)) < 0.4).astype(float)
    counts = np.stack([votes.sum(axis=0), 5 - votes.sum(axis=0)], axis=1)
    assert kappa_statistic(votes)(*ones)[0] == pytest.approx(fleiss_kappa(counts), abs=1e-12)
    steps = rng.integers(1, 7, (5, 40)).astype(float)
    steps[rng.random((5, 40)) < 0.3] = np.nan
    steps[1:, 7] = np.nan  # an image that one reader alone rated
    for level in ("nominal", "ordinal"):
        expected = krippendorff_alpha(steps, level)
        assert alpha_statistic(steps, level)(*ones)[0] == pytest.approx(expected, abs=1e-12)


def test_a_reader_who_is_drawn_twice_does_not_agree_with_themselves(rng: np.random.Generator) -> None:
    votes = (rng.random((2, 30)) < 0.5).astype(float)
    readers, images = np.array([[1.0, 1.0], [2.0, 0.0]]), np.ones((2, 30))
    for statistic in (kappa_statistic(votes), alpha_statistic(votes)):
        once, alone = statistic(readers, images)
        assert np.isfinite(once)
        assert np.isnan(alone), "one reader is no agreement"


def test_an_image_that_is_drawn_twice_counts_as_two(rng: np.random.Generator) -> None:
    votes = (rng.random((4, 12)) < 0.5).astype(float)
    drawn = np.array([[2.0, 0, 1, 1, 3, 0, 1, 1, 1, 0, 2, 0]])
    twice = votes[:, np.repeat(np.arange(12), drawn[0].astype(int))]
    expected = fleiss_kappa(np.stack([twice.sum(axis=0), 4 - twice.sum(axis=0)], axis=1))
    assert kappa_statistic(votes)(np.ones((1, 4)), drawn)[0] == pytest.approx(expected, abs=1e-12)
    assert alpha_statistic(votes)(np.ones((1, 4)), drawn)[0] == pytest.approx(krippendorff_alpha(twice), abs=1e-12)


def test_agreement_of_readers_of_known_skill_is_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 200)
    for covered, _ in coverage_of_agreement(4, 40, 0.3, 1.0, draws=60):
        assert 0.87 <= covered <= 1
