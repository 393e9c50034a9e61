"""KID of sets too large for their Gram matrix: 50,000 x 2048 real features, whose Gram matrix would take 20 GB.

The features are given in float32, as they are stored; every product is made in float64. With --evidence the whole of an
iteration's evidence is made (bootstrap, permutations, floor, subsets), with few draws, since time grows with them.

    python benchmarks/kid_memory.py [--real 50000] [--synthetic 5000] [--evidence]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from polypstudio.metrics.class_evidence import KidSettings, evidence
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.kid import kid

WIDTH, BUDGET = 2048, 4.0


def features(n: int, shift: float, rng: np.random.Generator) -> np.ndarray:
    """float32 (n, width), made in place: normal numbers of another precision would take twice the memory."""
    array = rng.standard_normal((n, WIDTH), dtype=np.float32)
    array += shift
    return array


def halves(array: np.ndarray) -> ClassFeatures:
    middle = len(array) // 2
    return ClassFeatures(FeatureSet(array[:middle]), FeatureSet(array[middle:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=int, default=50_000)
    parser.add_argument("--synthetic", type=int, default=5_000)
    parser.add_argument("--evidence", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    real, synthetic = features(options.real, 0.0, rng), features(options.synthetic, 0.02, rng)
    began = time.monotonic()
    if options.evidence:
        settings = KidSettings(subset_size=100, subsets=20, draws=100, permutations=99)
        row = evidence(halves(real), {1: halves(synthetic)}, settings).iterations[0]
        what, value = "evidence on one iteration", row.cell("ad", "ad").kid
    else:
        what, value = "KID", kid(real, synthetic)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{what} of {options.real:,} real and {options.synthetic:,} synthetic images x {WIDTH}: {value:.6f}")
    print(f"{time.monotonic() - began:.0f} s, largest memory of the process {memory:.2f} GB (budget {BUDGET:.0f} GB)")


if __name__ == "__main__":
    main()
