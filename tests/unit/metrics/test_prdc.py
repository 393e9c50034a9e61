"""Precision, recall, density and coverage against their published definition, written out as loops."""

from __future__ import annotations

import numpy as np
import pytest

from polypstudio.errors import UserError
from polypstudio.metrics import prdc as module
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.prdc import class_coverage, prdc


def by_definition(real: np.ndarray, synthetic: np.ndarray, k: int) -> tuple[float, float, float, float]:
    """Naeem et al. 2020, equations 1 to 4: balls to the k-th nearest neighbour, one image at a time."""

    def radius(images: np.ndarray, i: int) -> float:
        return sorted(np.linalg.norm(images[i] - images[j]) for j in range(len(images)) if j != i)[k - 1]

    n, m = len(real), len(synthetic)
    real_radius, synthetic_radius = [radius(real, i) for i in range(n)], [radius(synthetic, j) for j in range(m)]
    distance = [[np.linalg.norm(real[i] - synthetic[j]) for j in range(m)] for i in range(n)]
    precision = sum(any(distance[i][j] < real_radius[i] for i in range(n)) for j in range(m)) / m
    recall = sum(any(distance[i][j] < synthetic_radius[j] for j in range(m)) for i in range(n)) / n
    density = sum(distance[i][j] < real_radius[i] for i in range(n) for j in range(m)) / (k * m)
    coverage = sum(any(distance[i][j] < real_radius[i] for j in range(m)) for i in range(n)) / n
    return precision, recall, density, coverage


@pytest.mark.parametrize(("n", "m", "k", "shift"), [(30, 22, 5, 0.0), (17, 40, 3, 1.0), (25, 25, 1, 0.5)])
def test_equals_the_definition(n: int, m: int, k: int, shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 7)
    rng = np.random.default_rng(n)
    real, synthetic = rng.normal(size=(n, 4)), rng.normal(size=(m, 4)) + shift
    found = prdc(real, synthetic, k)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(
        by_definition(real, synthetic, k), abs=1e-12
    )
    assert (found.n_real, found.n_synthetic) == (n, m)


def test_mode_collapse_costs_recall_and_coverage_not_precision() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 3))
    collapsed = real[0] + 0.01 * rng.normal(size=(100, 3))
    found = prdc(real, collapsed)
    assert found.precision > 0.9
    assert found.recall < 0.05
    assert found.coverage < 0.1


def test_an_outlier_of_the_real_images_inflates_precision_and_not_density() -> None:
    """Why density stands beside precision: one far real image makes a ball that holds everything on the way."""
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(size=(100, 2)), [[40.0, 0.0]]])
    far = rng.normal(size=(100, 2)) + np.array([20, 0])
    found = prdc(real, far)
    assert found.precision == 1
    assert found.density < 0.3


def test_each_class_against_its_own() -> None:
    rng = np.random.default_rng(0)
    real = ClassFeatures(FeatureSet(rng.normal(size=(40, 3))), FeatureSet(rng.normal(size=(40, 3)) + 8))
    synthetic = ClassFeatures(FeatureSet(rng.normal(size=(30, 3))), FeatureSet(rng.normal(size=(30, 3))))
    found = class_coverage(real, synthetic, "iteration 1", 5)
    assert found["ad"].precision > 0.8
    assert found["non_ad"].precision == 0


def test_too_few_images_for_k_and_bad_features() -> None:
    with pytest.raises(UserError, match=r"coverage by 5 neighbours with 40 real and 5 synthetic images: set"):
        prdc(np.random.default_rng(0).normal(size=(40, 3)), np.eye(5, 3), 5)
    few = ClassFeatures(FeatureSet(np.full((9, 3), np.nan)), FeatureSet(np.eye(9, 3)))
    with pytest.raises(UserError, match="iteration 7 AD: NaN"):
        class_coverage(ClassFeatures(FeatureSet(np.eye(9, 3)), FeatureSet(np.eye(9, 3))), few, "iteration 7", 2)


def test_the_interval_of_coverage_holds_it_and_is_wider_by_groups() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(20, 3))
    real = np.repeat(centres, 4, axis=0) + 0.2 * rng.normal(size=(80, 3))
    synthetic = rng.normal(size=(12, 3)) * 0.5
    groups = [f"patient {i // 4}" for i in range(80)]
    alone, grouped = prdc(real, synthetic), prdc(real, synthetic, groups=groups)
    assert alone.coverage == grouped.coverage
    for found in (alone, grouped):
        assert found.coverage_ci is not None
        assert found.coverage_ci[0] < found.coverage < found.coverage_ci[1]
    assert grouped.coverage_ci[1] - grouped.coverage_ci[0] > alone.coverage_ci[1] - alone.coverage_ci[0]  # type: ignore[index]
