"""The estimate before the start against what simulated readings then show."""

from __future__ import annotations

import numpy as np
import pytest

from polypstudio.metrics.agreement import auc
from polypstudio.reading.power import auc_variance, power


def test_more_readers_and_more_images_show_more() -> None:
    small, readers, images = power(3, 10, 40, 40), power(6, 10, 40, 40), power(3, 20, 80, 80)
    assert readers.half_width < small.half_width > images.half_width
    detectable = [each.detectable_auc or 1.0 for each in (small, readers, images)]
    assert max(detectable) == detectable[0] < 1


def test_nothing_to_tell_apart_has_no_auc() -> None:
    assert power(3, 10, 40, 0).detectable_auc is None
    assert power(1, 1, 1, 1).detectable_auc is None, "two images tell nothing"


def test_the_variance_of_an_auc_is_that_of_simulated_readers() -> None:
    rng = np.random.default_rng(0)
    real = np.arange(120) < 50
    areas = [auc(rng.normal(np.where(real, 1.0, 0.0)), real) for _ in range(3000)]
    assert auc_variance(float(np.mean(areas)), 50, 70) == pytest.approx(np.var(areas), rel=0.15)


def test_a_reading_of_the_detectable_auc_is_told_from_guessing_four_times_in_five() -> None:
    """Readers who differ and images that are hard for all of them, as the estimate assumes: a z-test of the mean AUC."""
    from scipy.special import ndtri

    n_readers, n_real, n_synthetic = 4, 40, 40
    area = power(n_readers, 10, n_real, n_synthetic).detectable_auc
    assert area is not None
    rng = np.random.default_rng(1)
    real = np.arange(n_real + n_synthetic) < n_real

    def mean_auc(apart: float, reader_sd: float) -> float:
        hard = rng.normal(0, 0.4**0.5, len(real))
        skill = apart + rng.normal(0, reader_sd, n_readers)
        noise = rng.normal(0, 0.6**0.5, (n_readers, len(real)))
        return float(np.mean([auc(skill[r] * real + hard + noise[r], real) for r in range(n_readers)]))

    reader_sd = 0.04 / 0.26  # in d': an AUC near 0.65 changes by about 0.26 per unit
    chance = np.std([mean_auc(0.0, reader_sd) for _ in range(400)])
    found = [mean_auc(2**0.5 * float(ndtri(area)), reader_sd) > 0.5 + 1.96 * chance for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)
