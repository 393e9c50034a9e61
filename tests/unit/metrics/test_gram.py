"""The kernel tile by tile: small memory, the same numbers."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from polypstudio.metrics import gram
from polypstudio.metrics.class_evidence import KidSettings, evidence
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.gram import KernelBlock, equal_pairs
from polypstudio.metrics.kid import kid
from polypstudio.records import Estimate, ReferenceEvidence


def normal(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.fixture
def in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of 7 images, and nothing kept: every block crosses tiles and is computed for each set of draws anew."""
    monkeypatch.setattr(gram, "TILE", 7)
    monkeypatch.setattr(gram, "KEPT_BYTES", 0)


def classes(n_ad: int, n_non_ad: int, seed: int, groups: bool) -> ClassFeatures:
    names = [f"case {i // 3}" for i in range(max(n_ad, n_non_ad))] if groups else None
    return ClassFeatures(
        FeatureSet(normal(n_ad, seed=seed) + 0.5, names[:n_ad] if names else None),
        FeatureSet(normal(n_non_ad, seed=seed + 1), names[:n_non_ad] if names else None),
    )


def numbers(result: ReferenceEvidence) -> list[float]:
    row = result.iterations[0]
    estimates: list[Estimate] = [*row.margins.values(), row.shift]
    return [
        *(value for e in estimates for value in (e.value, *e.ci)),
        *(value for c in row.cells for value in (c.kid, *c.ci, c.floor, c.subset_mean, c.subset_sd)),
        row.alignment.value or 0.0,
        row.alignment.p,
        result.separation.kid,
        result.separation.p,
    ]


def test_tiles_give_the_numbers_of_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    real, synthetic = classes(40, 30, 0, groups=True), classes(25, 23, 5, groups=False)
    settings = KidSettings(subset_size=10, subsets=10, draws=100, permutations=99)
    reconstruction = ClassFeatures(*(FeatureSet(x.features, sources=range(len(x))) for x in (real.ad, real.non_ad)))
    whole = evidence(real, {1: synthetic}, settings, reconstruction)
    monkeypatch.setattr(gram, "TILE", 7)
    monkeypatch.setattr(gram, "KEPT_BYTES", 0)
    tiled = evidence(real, {1: synthetic}, settings, reconstruction)
    np.testing.assert_allclose(numbers(tiled), numbers(whole), rtol=1e-9, atol=1e-12)
    assert whole.reconstruction is not None
    assert tiled.reconstruction is not None
    assert tiled.reconstruction.alignment.p == whole.reconstruction.alignment.p


def test_draws_of_a_symmetric_block_that_differ_count_each_pair_in_both_orders(in_tiles: None) -> None:
    x, rng = normal(20), np.random.default_rng(0)
    first, second = rng.integers(0, 3, (5, 20)), rng.integers(0, 3, (5, 20))
    kernel = (x.astype(float) @ x.T.astype(float) / 8 + 1) ** 3
    np.fill_diagonal(kernel, 0)
    pairs = first.sum(1) * second.sum(1) - (first * second).sum(1)
    expected = np.einsum("di,ij,dj->d", first, kernel, second) / pairs
    np.testing.assert_allclose(KernelBlock.within(x).mean(first, second), expected, rtol=1e-12)


def test_equal_pairs_are_those_of_a_comparison_of_all() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 30), rng.integers(2, 9, 25)
    assert sorted(zip(*equal_pairs(x, y), strict=True)) == sorted(map(tuple, np.argwhere(x[:, None] == y)))


def test_kid_of_many_images_needs_no_gram_matrix_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """6,000 x 6,000 in float64 would be 288 MB: the tiles take a tenth of it."""
    monkeypatch.setattr(gram, "TILE", 500)
    monkeypatch.setattr(gram, "KEPT_BYTES", 1 << 20)
    x, y = normal(6000), normal(3000, seed=1)
    kid(x[:10], y[:10])
    tracemalloc.start()
    kid(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6
