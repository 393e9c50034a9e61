"""KID against hand calculation, golden values of six implementations, and torchmetrics."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from polypstudio.errors import UserError
from polypstudio.metrics.gram import polynomial_kernel
from polypstudio.metrics.kid import (
    check_subset_size,
    default_subset_size,
    kid,
    subset_draws,
    subset_kid,
)


def normal(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_four_images_by_hand() -> None:
    assert kid([[0.0], [1.0]], [[2.0], [3.0]]) == 297.5


@pytest.mark.parametrize("case", [0, 1])
def test_golden_values(shared: Path, case: int) -> None:
    golden = json.loads((shared / "golden" / "kid.json").read_text())["cases"][case]
    random = np.random.RandomState(0)
    x = random.randn(golden["n_x"], golden["dim"]).astype(np.float32)
    y = (random.randn(golden["n_y"], golden["dim"]) * 1.1 + 0.05).astype(np.float32)
    assert kid(x, y) == pytest.approx(golden["direct_float64"], abs=1e-12)


def by_torchmetrics(x: np.ndarray, y: np.ndarray) -> float:
    torch = pytest.importorskip("torch")
    return pytest.importorskip("torchmetrics.image.kid").poly_mmd(torch.from_numpy(x), torch.from_numpy(y)).item()


def by_torch_fidelity(x: np.ndarray, y: np.ndarray) -> float:
    return pytest.importorskip("torch_fidelity.metric_kid").kernel_mmd(x, y)


@pytest.mark.parametrize("peer", [by_torchmetrics, by_torch_fidelity])
def test_equals_peers_on_the_same_subsets(peer: Callable[[np.ndarray, np.ndarray], float]) -> None:
    x, y, size, subsets = normal(60, 16), normal(50, 16, 1) + 0.2, 20, 12
    rng = np.random.default_rng(5)  # the order of draws of subset_kid: all of x, then all of y
    x_draws, y_draws = subset_draws(60, size, subsets, rng), subset_draws(50, size, subsets, rng)
    theirs = [peer(x[a > 0], y[b > 0]) for a, b in zip(x_draws, y_draws, strict=True)]
    ours = subset_kid(x, y, size, subsets, seed=5)
    assert ours.mean == pytest.approx(np.mean(theirs), abs=1e-6)
    assert ours.sd == pytest.approx(np.std(theirs), abs=1e-6)


def test_kernel_and_estimator_are_those_of_the_papers() -> None:
    x, y = normal(5), normal(4, seed=1)
    by_hand = [[(float(a @ b) / 8 + 1) ** 3 for b in y] for a in x]
    np.testing.assert_allclose(polynomial_kernel(x, y), by_hand, rtol=1e-12)
    kxx, kyy, kxy = polynomial_kernel(x, x), polynomial_kernel(y, y), polynomial_kernel(x, y)
    loops = sum(kxx[i, j] for i in range(5) for j in range(5) if i != j) / 20
    loops += sum(kyy[i, j] for i in range(4) for j in range(4) if i != j) / 12
    assert kid(x, y) == pytest.approx(loops - 2 * kxy.mean(), rel=1e-12)


def test_unbiased_so_negative_values_stay() -> None:
    values = [kid(normal(20, seed=2 * i), normal(20, seed=2 * i + 1)) for i in range(200)]
    assert min(values) < 0
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)


def test_a_subset_of_everything_is_the_full_sample() -> None:
    x, y = normal(12), normal(12, seed=1)
    whole = subset_kid(x, y, size=12, subsets=3)
    assert whole.mean == pytest.approx(kid(x, y), abs=1e-12)
    assert whole.sd == pytest.approx(0, abs=1e-12)


def test_subsets_are_of_one_size_and_without_replacement() -> None:
    draws = subset_draws(10, 4, 50, np.random.default_rng(0))
    assert set(np.unique(draws)) == {0.0, 1.0}
    assert (draws.sum(axis=1) == 4).all()
    assert len({tuple(draw) for draw in draws}) > 30


def test_default_subset_size() -> None:
    assert default_subset_size([536, 252, 500]) == 100
    assert default_subset_size([78, 79, 31]) == 15
    with pytest.raises(UserError, match="smallest set"):
        default_subset_size([78, 3])


@pytest.mark.parametrize(
    ("synthetic", "message"),
    [
        (np.full((5, 8), np.nan), "NaN or infinite features in 5 of 5"),
        (np.where(np.eye(5, 8) > 0, np.inf, normal(5)), "NaN or infinite"),
        (np.ones((5, 8)), "same features"),
        (normal(1), "at least 2"),
        (normal(5, 7), "different widths"),
        (np.zeros(5), "shape"),
    ],
)
def test_bad_features_are_named_in_one_line(synthetic: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        kid(normal(5), synthetic)
    assert "synthetic" in str(error.value)
    assert "\n" not in str(error.value)


def test_subset_size_is_never_clamped() -> None:
    with pytest.raises(UserError, match=r"subset size 6 is above the smallest set \(5 images\)"):
        subset_kid(normal(5), normal(9), size=6)
    with pytest.raises(UserError, match="2 images or more"):
        check_subset_size(1, [5])
