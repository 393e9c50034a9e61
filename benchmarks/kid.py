"""KID matrix beside torchmetrics, in one process and on the same subsets.

8 iterations x 4 pairs of classes, 536 AD and 252 Non-AD real images, 500 synthetic ones of each class, 2048 features,
100 subsets of 100 images. Two runs of torchmetrics: its `KernelInceptionDistance` as a user calls it, with features
handed through, and its `poly_mmd` alone on our own subsets in float64, to which the values are compared.

    python benchmarks/kid.py [--iterations 8] [--threads 2]
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torchmetrics.image.kid import KernelInceptionDistance, poly_mmd

from polypstudio.metrics.class_kernels import PAIRS, RealBlocks, SyntheticBlocks, Weights, code_real, code_synthetic
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.kid import subset_draws
from polypstudio.records import PATHOLOGIES

REAL = {"ad": 536, "non_ad": 252}
SYNTHETIC, WIDTH, SUBSETS, SIZE = 500, 2048, 100, 100
BUDGET = 20.0


def features(n: int, shift: float, rng: np.random.Generator) -> FeatureSet:
    """Non-negative, like pooled Inception features."""
    return FeatureSet(np.maximum(rng.normal(size=(n, WIDTH)) + shift, 0).astype(np.float32))


def draws(classes: ClassFeatures, rng: np.random.Generator) -> Weights:
    return {c: subset_draws(len(classes[c]), SIZE, SUBSETS, rng) for c in PATHOLOGIES}


def ours(
    real: ClassFeatures, iterations: list[ClassFeatures], real_draws: Weights, own_draws: list[Weights]
) -> np.ndarray:
    """Mean KID over subsets, (iterations, 4)."""
    reference = code_real(real)
    real_means = RealBlocks(reference).means(real_draws, "image")
    rows = []
    for synthetic, own in zip(iterations, own_draws, strict=True):
        blocks = SyntheticBlocks(code_synthetic(synthetic, reference, "synthetic"), reference)
        means = blocks.means(own, real_draws, real_means, "image")
        rows.append([means.kid(*pair).mean() for pair in PAIRS])
    return np.array(rows)


def torchmetrics_on_our_subsets(
    real: ClassFeatures, iterations: list[ClassFeatures], real_draws: Weights, own_draws: list[Weights]
) -> np.ndarray:
    rows = []
    for synthetic, own in zip(iterations, own_draws, strict=True):
        row = []
        for s, r in PAIRS:
            x, y = (torch.from_numpy(classes[c].features).double() for classes, c in ((real, r), (synthetic, s)))
            pairs = zip(real_draws[r] > 0, own[s] > 0, strict=True)
            row.append(np.mean([poly_mmd(x[torch.from_numpy(a)], y[torch.from_numpy(b)]).item() for a, b in pairs]))
        rows.append(row)
    return np.array(rows)


class Given(torch.nn.Module):
    """A feature extractor whose images are features already."""

    num_features = WIDTH

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


def torchmetrics_as_called(real: ClassFeatures, iterations: list[ClassFeatures]) -> None:
    for synthetic in iterations:
        for s, r in PAIRS:
            metric = KernelInceptionDistance(feature=Given(), subsets=SUBSETS, subset_size=SIZE)
            metric.update(torch.from_numpy(real[r].features)[:, :, None, None], real=True)
            metric.update(torch.from_numpy(synthetic[s].features)[:, :, None, None], real=False)
            metric.compute()


def timed(run: Callable[[], object]) -> tuple[object, float]:
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", module="torchmetrics")
    rng = np.random.default_rng(0)
    real = ClassFeatures(features(REAL["ad"], 0.0, rng), features(REAL["non_ad"], 0.05, rng))
    iterations = [
        ClassFeatures(features(SYNTHETIC, 0.1, rng), features(SYNTHETIC, 0.12, rng)) for _ in range(options.iterations)
    ]
    real_draws, own_draws = draws(real, rng), [draws(synthetic, rng) for synthetic in iterations]
    with threadpool_limits(options.threads):
        values, seconds = timed(lambda: ours(real, iterations, real_draws, own_draws))
    _, called = timed(lambda: torchmetrics_as_called(real, iterations))
    theirs, alone = timed(lambda: torchmetrics_on_our_subsets(real, iterations, real_draws, own_draws))
    print(
        f"KID matrix, {options.iterations} iterations x 4 pairs, {SUBSETS} subsets of {SIZE}, {options.threads} thread(s)"
    )
    print(f"{'':44}{'seconds':>9}{'ratio':>8}")
    print(f"{'PolypStudio, float64':44}{seconds:9.2f}{1:8.1f}")
    print(f"{'torchmetrics KernelInceptionDistance':44}{called:9.2f}{called / seconds:8.1f}  budget {BUDGET:.0f}")
    print(f"{'torchmetrics poly_mmd, float64, same subsets':44}{alone:9.2f}{alone / seconds:8.1f}")
    print(f"largest difference of a cell on the same subsets: {np.abs(np.subtract(values, theirs)).max():.1e}")


if __name__ == "__main__":
    main()
