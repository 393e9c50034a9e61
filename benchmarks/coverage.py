"""How often a 95 % interval holds the truth: the bootstrap over groups, and a naive one over images, on grouped sets.

Two classes of cases of 1 to 3 images around a centre, at a fixed MMD² > 0; in each repeat both bootstraps make an
interval of it. The truth is the mean of the unbiased estimator on large ungrouped sets of the same distribution. Beside it
the two permutation tests under their null: how often p ≤ α, by groups and, naively, by images.

    python benchmarks/coverage.py [--repeats 1000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from polypstudio.metrics.class_evidence import KidSettings, evidence
from polypstudio.metrics.class_kernels import RealBlocks, code_real
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.gram import KernelBlock
from polypstudio.metrics.kid import kid
from polypstudio.metrics.uncertainty import group_weights, interval
from polypstudio.records import PATHOLOGIES

WIDTH, GROUPS, BETWEEN, WITHIN, DISTANCE = 6, 50, 0.9, 0.45, 0.5
CENTRE, TOLERANCE = 0.95, 0.03


def grouped(shift: float, name: str, rng: np.random.Generator) -> FeatureSet:
    """One class: cases of 1 to 3 images around a centre of their own."""
    groups = np.repeat(np.arange(GROUPS), rng.integers(1, 4, GROUPS))
    centres = BETWEEN * rng.normal(size=(GROUPS, WIDTH)) + shift
    images = centres[groups] + WITHIN * rng.normal(size=(len(groups), WIDTH))
    return FeatureSet(images, [f"{name} {group}" for group in groups])


def true_separation(rng: np.random.Generator) -> float:
    spread = np.hypot(BETWEEN, WITHIN)
    pairs = ((rng.normal(size=(2000, WIDTH)) * spread + shift for shift in (DISTANCE, 0.0)) for _ in range(24))
    return float(np.mean([kid(*pair) for pair in pairs]))


def by_groups(real: ClassFeatures, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """The interval of the product: groups drawn whole, no pair of one group counted."""
    coded = code_real(real)
    weights = group_weights(np.concatenate([coded[c].group for c in PATHOLOGIES]), draws, rng)
    split = {"ad": weights[:, : len(real.ad)], "non_ad": weights[:, len(real.ad) :]}
    return interval(RealBlocks(coded).means(split, "group").separation())


def by_images(real: ClassFeatures, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """The naive interval: images drawn one by one, as if none knew another."""
    x, y = real.ad.features, real.non_ad.features
    w, v = (group_weights(np.arange(len(each)), draws, rng) for each in (x, y))
    within = KernelBlock.within(x).mean(w, w) + KernelBlock.within(y).mean(v, v)
    return interval(within - 2 * KernelBlock.between(x, y).mean(w, v))


def coverage(repeats: int, draws: int) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)
    truth = true_separation(rng)
    hits = np.zeros(2)
    for _ in range(repeats):
        real = ClassFeatures(grouped(DISTANCE, "ad", rng), grouped(0.0, "non", rng))
        for method, make in enumerate((by_groups, by_images)):
            low, high = make(real, draws, rng)
            hits[method] += low <= truth <= high
    return truth, *(hits / repeats)


def null_p(repeats: int) -> Iterator[tuple[float, float, float]]:
    """p of separation by groups and by images, and of alignment, where there is no difference at all."""
    settings = KidSettings(subset_size=5, subsets=2, draws=2, permutations=99)
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        real = ClassFeatures(grouped(0.0, "ad", rng), grouped(0.0, "non", rng))
        alone = ClassFeatures(*(FeatureSet(real[c].features) for c in PATHOLOGIES))
        synthetic = ClassFeatures(*(FeatureSet(rng.normal(size=(20, WIDTH))) for _ in PATHOLOGIES))
        found = evidence(real, {1: synthetic}, settings)
        yield found.separation.p, evidence(alone, {}, settings).separation.p, found.iterations[0].alignment.p


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    options = parser.parse_args()
    began = time.monotonic()
    truth, group, naive = coverage(options.repeats, options.draws)
    held = abs(group - CENTRE) <= TOLERANCE
    print(
        f"MMD² {truth:.4f}, {GROUPS} cases of 1 to 3 images a class, {options.repeats} repeats, {options.draws} draws"
    )
    print(
        f"95 % intervals that hold the truth: over groups {group:.1%} ({'within' if held else 'NOT within'} 95 ± 3 %)"
    )
    print(f"                                    over images {naive:.1%} (naive)")
    p = np.array(list(null_p(options.repeats)))
    for alpha in (0.01, 0.05, 0.1, 0.2):
        shares = " ".join(
            f"{name} {share:.3f}"
            for name, share in zip(
                ("separation", "separation by images (naive)", "alignment"), (p <= alpha).mean(axis=0), strict=True
            )
        )
        print(f"P(p ≤ {alpha:.2f}) under the null: {shares}")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
