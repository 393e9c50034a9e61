"""Claims about class evidence: the identity behind alignment, valid tests, known answers, honest intervals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from polypstudio.metrics.class_evidence import KidSettings, evidence
from polypstudio.metrics.class_kernels import RealBlocks, code_real
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.gram import KernelBlock
from polypstudio.metrics.kid import kid
from polypstudio.metrics.uncertainty import group_weights, interval
from polypstudio.records import PATHOLOGIES

QUICK = KidSettings(subset_size=10, subsets=10, draws=200, permutations=199)


def normal(n: int, shift: float, rng: np.random.Generator, d: int = 4) -> FeatureSet:
    return FeatureSet(rng.normal(size=(n, d)) + shift)


def cubic_feature_map(x: np.ndarray) -> np.ndarray:
    """φ with φ(x)·φ(y) = (x·y/d + 1)³: all products of three coordinates of (x/√d, 1)."""
    z = np.hstack([x / np.sqrt(x.shape[1]), np.ones((len(x), 1))])
    triples = product(range(z.shape[1]), repeat=3)
    return np.stack([z[:, i] * z[:, j] * z[:, k] for i, j, k in triples], axis=1)


def test_alignment_is_the_projection_of_the_synthetic_on_the_real_class_difference() -> None:
    rng = np.random.default_rng(0)
    real = ClassFeatures(normal(30, 0.8, rng), normal(25, 0.0, rng))
    synthetic = ClassFeatures(normal(20, 0.6, rng), normal(22, 0.2, rng))
    mean = {
        (s, c): cubic_feature_map(x[c].features).mean(0)
        for s, x in (("r", real), ("s", synthetic))
        for c in PATHOLOGIES
    }
    real_difference = mean["r", "ad"] - mean["r", "non_ad"]
    synthetic_difference = mean["s", "ad"] - mean["s", "non_ad"]
    unbiased = kid(real.ad.features, real.non_ad.features)  # of ‖μ_rAD − μ_rNon‖²
    expected = synthetic_difference @ real_difference / unbiased
    found = evidence(real, {1: synthetic}, QUICK).iterations[0]
    assert found.alignment.value == pytest.approx(expected, abs=1e-10)


def test_permutation_tests_keep_their_level_under_the_null() -> None:
    """P(p ≤ α) ≤ α: no class difference at all, in grouped real images and in synthetic ones."""
    settings = KidSettings(subset_size=5, subsets=2, draws=2, permutations=99)
    separation, alignment = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        groups = [f"case {i // 3}" for i in range(24)]
        ad, non_ad = (
            FeatureSet(np.repeat(rng.normal(size=(8, 4)), 3, axis=0) + 0.3 * rng.normal(size=(24, 4))) for _ in "ab"
        )
        real = ClassFeatures(FeatureSet(ad.features, groups), FeatureSet(non_ad.features, [f"b {g}" for g in groups]))
        result = evidence(real, {1: ClassFeatures(normal(15, 0, rng), normal(12, 0, rng))}, settings)
        separation.append(result.separation.p)
        alignment.append(result.iterations[0].alignment.p)
    for alpha in (0.05, 0.2):
        tolerance = 2.6 * np.sqrt(alpha * (1 - alpha) / 200)  # one test in 200 would fail by chance
        assert np.mean(np.array(separation) <= alpha) <= alpha + tolerance
        assert np.mean(np.array(alignment) <= alpha) <= alpha + tolerance


def test_permuting_images_instead_of_groups_would_find_differences_that_are_not_there() -> None:
    grouped, naive = [], []
    settings = KidSettings(subset_size=5, subsets=2, draws=2, permutations=99)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ad, non_ad = (np.repeat(rng.normal(size=(8, 4)), 4, axis=0) + 0.3 * rng.normal(size=(32, 4)) for _ in "ab")
        names = [f"case {i // 4}" for i in range(64)]
        grouped.append(
            evidence(ClassFeatures(FeatureSet(ad, names[:32]), FeatureSet(non_ad, names[32:])), {}, settings)
        )
        naive.append(evidence(ClassFeatures(FeatureSet(ad), FeatureSet(non_ad)), {}, settings))
    assert np.mean([e.separation.p <= 0.05 for e in naive]) > 0.5
    assert np.mean([e.separation.p <= 0.05 for e in grouped]) < 0.15


def test_known_answers() -> None:
    rng = np.random.default_rng(0)
    real = ClassFeatures(normal(120, 0.6, rng), normal(100, 0.0, rng))
    pool = np.concatenate([normal(40, 0.6, rng).features, normal(40, 0.0, rng).features])[rng.permutation(80)]
    alike, swapped, mixed, drawn_to_ad = evidence(
        real,
        {
            1: ClassFeatures(normal(80, 0.6, rng), normal(80, 0.0, rng)),
            2: ClassFeatures(normal(80, 0.0, rng), normal(80, 0.6, rng)),
            3: ClassFeatures(FeatureSet(pool[:40]), FeatureSet(pool[40:])),
            4: ClassFeatures(normal(80, 1.0, rng), normal(80, 0.5, rng)),
        },
        QUICK,
    ).iterations
    assert alike.alignment.value == pytest.approx(1, abs=0.35)
    assert alike.alarms == []
    assert all(alike.cell(c, c).kid <= alike.cell(c, c).floor for c in PATHOLOGIES)
    assert swapped.alignment.value == pytest.approx(-1, abs=0.35)
    assert "swapped" in swapped.alarms
    assert mixed.alignment.value == pytest.approx(0, abs=0.35)
    assert "class_ignored" in mixed.alarms
    assert drawn_to_ad.alarms == ["negative_margin_non_ad"]  # as in the paper: ordered rightly, leaning to AD
    assert drawn_to_ad.shift.ci[0] > 0
    assert drawn_to_ad.alignment.value is not None
    assert drawn_to_ad.alignment.value > 0.5


def test_swapping_the_labels_flips_the_sign() -> None:
    rng = np.random.default_rng(1)
    real = ClassFeatures(normal(40, 0.6, rng), normal(40, 0.0, rng))
    synthetic = ClassFeatures(normal(30, 0.5, rng), normal(20, 0.1, rng))
    right, swapped = evidence(real, {1: synthetic, 2: ClassFeatures(synthetic.non_ad, synthetic.ad)}, QUICK).iterations
    assert right.alignment.value is not None
    assert swapped.alignment.value == pytest.approx(-right.alignment.value, abs=1e-10)
    assert swapped.shift.value == pytest.approx(right.shift.value, abs=1e-10)


def test_the_floor_is_exceeded_by_one_in_twenty_under_no_difference() -> None:
    exceeded = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        real = ClassFeatures(normal(60, 0.5, rng), normal(60, 0.0, rng))
        found = evidence(real, {1: ClassFeatures(normal(30, 0.5, rng), normal(30, 0.0, rng))}, QUICK).iterations[0]
        exceeded += [found.cell(c, c).kid > found.cell(c, c).floor for c in PATHOLOGIES]
    assert 0.015 <= np.mean(exceeded) <= 0.095


def coverage(repeats: int, draws: int = 200) -> tuple[float, float]:
    """Share of intervals that hold the true separation: the bootstrap over groups, and a naive one over images.

    Groups are cases of 1 to 3 images around a centre; the truth is the mean of the estimator on ungrouped images,
    whose distribution is the same.
    """
    rng = np.random.default_rng(0)
    spread = np.sqrt(0.9**2 + 0.45**2)
    truth = np.mean([kid(*(rng.normal(size=(2000, 6)) * spread + shift for shift in (0.5, 0))) for _ in range(12)])
    hits = np.zeros(2)
    for _ in range(repeats):
        sets = []
        for shift in (0.5, 0.0):
            groups = np.repeat(np.arange(50), rng.integers(1, 4, 50))
            centres = 0.9 * rng.normal(size=(50, 6)) + shift
            sets.append((centres[groups] + 0.45 * rng.normal(size=(len(groups), 6)), groups + int(100 * shift)))
        real = ClassFeatures(*(FeatureSet(x, [str(g) for g in groups]) for x, groups in sets))
        coded = code_real(real)
        codes = np.concatenate([coded[c].group for c in PATHOLOGIES])
        weights = group_weights(codes, draws, rng)
        split = {"ad": weights[:, : len(real.ad)], "non_ad": weights[:, len(real.ad) :]}
        by_group = RealBlocks(coded).means(split, "group").separation()
        (x, _), (y, _) = sets
        w, v = (group_weights(np.arange(len(z)), draws, rng) for z in (x, y))
        naive = (
            KernelBlock.within(x).mean(w, w)
            + KernelBlock.within(y).mean(v, v)
            - 2 * KernelBlock.between(x, y).mean(w, v)
        )
        for method, kids in enumerate((by_group, naive)):
            low, high = interval(kids)
            hits[method] += low <= truth <= high
    return float(hits[0] / repeats), float(hits[1] / repeats)


def test_group_bootstrap_covers_the_truth_and_a_naive_one_does_not() -> None:
    by_group, naive = coverage(repeats=150)
    assert by_group >= 0.88
    assert naive <= 0.87
    assert by_group > naive + 0.06


def test_the_iteration_that_looks_better_may_be_the_one_that_ignores_class() -> None:
    """The lowest within-class KID, the paper's choice, and class evidence are two things."""
    rng = np.random.default_rng(3)
    real = ClassFeatures(normal(150, 0.4, rng), normal(150, 0.0, rng))
    same, far = evidence(
        real,
        {
            1: ClassFeatures(normal(80, 0.2, rng), normal(80, 0.2, rng)),
            2: ClassFeatures(normal(80, 1.4, rng), normal(80, 1.0, rng)),
        },
        QUICK,
    ).iterations
    assert sum(same.cell(c, c).kid for c in PATHOLOGIES) < sum(far.cell(c, c).kid for c in PATHOLOGIES)
    assert "class_ignored" in same.alarms
    assert "class_ignored" not in far.alarms
