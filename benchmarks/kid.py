"""KID matrix beside torchmetrics and torch-fidelity, in one process and on the same subsets.

8 iterations x 4 pairs of classes, 536 AD and 252 Non-AD real images, 500 synthetic ones of each class, 2048 features,
100 subsets of 100 images. Two runs of each peer: as a user calls it, with features handed through, and its estimator alone
on our own subsets in float64, to which the values are compared.

    python benchmarks/kid.py [--iterations 8] [--threads 2]

The last line says what arithmetic allows: a peer multiplies three blocks for each subset, we every pair of images once
(half of them within a set). At equal precision and speed of multiplication no ratio can be above that; torchmetrics as
called multiplies in float32, which is twice as fast as float64, so that there the bound is half of it.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch_fidelity.metric_kid import kernel_mmd, kid_features_to_metric
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


Estimator = Callable[[np.ndarray, np.ndarray], float]


def poly_mmd_of_torchmetrics(x: np.ndarray, y: np.ndarray) -> float:
    return poly_mmd(torch.from_numpy(x), torch.from_numpy(y)).item()


def kernel_mmd_of_torch_fidelity(x: np.ndarray, y: np.ndarray) -> float:
    return float(kernel_mmd(x, y))


def on_our_subsets(
    estimator: Estimator,
    real: ClassFeatures,
    iterations: list[ClassFeatures],
    real_draws: Weights,
    own_draws: list[Weights],
) -> np.ndarray:
    """Mean KID over the same subsets by a peer's estimator in float64, (iterations, 4)."""
    rows = []
    for synthetic, own in zip(iterations, own_draws, strict=True):
        row = []
        for s, r in PAIRS:
            x, y = (classes[c].features.astype(np.float64) for classes, c in ((real, r), (synthetic, s)))
            row.append(np.mean([estimator(x[a], y[b]) for a, b in zip(real_draws[r] > 0, own[s] > 0, strict=True)]))
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


def torch_fidelity_as_called(real: ClassFeatures, iterations: list[ClassFeatures]) -> None:
    for synthetic in iterations:
        for s, r in PAIRS:
            features = [torch.from_numpy(classes[c].features) for classes, c in ((real, r), (synthetic, s))]
            kid_features_to_metric(*features, kid_subsets=SUBSETS, kid_subset_size=SIZE, verbose=False)


def bound(iterations: int) -> float:
    """Multiplications of a peer for one of ours."""
    peer = iterations * len(PAIRS) * SUBSETS * 3 * SIZE**2
    within = sum(n**2 / 2 for n in REAL.values()) + iterations * len(PATHOLOGIES) * SYNTHETIC**2 / 2
    between = REAL["ad"] * REAL["non_ad"] + iterations * sum(SYNTHETIC * REAL[r] for _, r in PAIRS)
    return peer / (within + between)


class Spent(NamedTuple):
    """Seconds on the clock, and of the processor, which other work on the machine lengthens less."""

    clock: float
    processor: float

    def line(self, name: str, ours: Spent, ending: str = "") -> str:
        ratios = f"{self.clock / ours.clock:8.1f}{self.processor:9.2f}{self.processor / ours.processor:8.1f}"
        return f"{name:48}{self.clock:9.2f}{ratios}{ending}"


def timed(run: Callable[[], object]) -> tuple[object, Spent]:
    clock, processor = time.perf_counter(), time.process_time()
    answer = run()
    return answer, Spent(time.perf_counter() - clock, time.process_time() - processor)


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
        ours(real, iterations[:1], real_draws, own_draws[:1])  # imports and first calls are not what is measured
        values, spent = timed(lambda: ours(real, iterations, real_draws, own_draws))
    peers = [
        ("torchmetrics", torchmetrics_as_called, "poly_mmd", poly_mmd_of_torchmetrics),
        ("torch-fidelity", torch_fidelity_as_called, "kernel_mmd", kernel_mmd_of_torch_fidelity),
    ]
    print(
        f"KID matrix, {options.iterations} iterations x 4 pairs, {SUBSETS} subsets of {SIZE}, {options.threads} thread(s)"
    )
    print(f"{'':48}{'seconds':>9}{'ratio':>8}{'CPU s':>9}{'ratio':>8}")
    print(spent.line("PolypStudio, float64", spent))
    differences = []
    for name, as_called, estimator, alone in peers:
        with threadpool_limits(options.threads):
            _, called = timed(lambda run=as_called: run(real, iterations))
            theirs, same = timed(lambda run=alone: on_our_subsets(run, real, iterations, real_draws, own_draws))
        print(called.line(f"{name}, as called", spent, f"  budget {BUDGET:.0f}"))
        print(same.line(f"{name} {estimator}, float64, same subsets", spent))
        differences.append(f"{name} {np.abs(np.subtract(values, theirs)).max():.1e}")
    print(f"largest difference of a cell on the same subsets: {', '.join(differences)}")
    print(f"arithmetic allows {bound(options.iterations):.1f} in float64, half of it against a peer in float32")


if __name__ == "__main__":
    main()
