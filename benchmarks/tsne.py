"""t-SNE of 5,000 images x 50 components beside scikit-learn, in one process.

python benchmarks/tsne.py [--images 5000]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.manifold import TSNE, trustworthiness

from polypstudio.metrics.tsne import embedding

WIDTH, PERPLEXITY, BUDGET = 50, 30.0, 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    n = parser.parse_args().images
    rng = np.random.default_rng(0)
    features = 2 * rng.normal(size=(16, WIDTH))[rng.integers(16, size=n)] + rng.normal(size=(n, WIDTH))
    embedding(features[:200], PERPLEXITY)  # imports and first calls are not what is measured
    start = time.perf_counter()
    ours = embedding(features, PERPLEXITY)
    middle = time.perf_counter()
    theirs = TSNE(perplexity=PERPLEXITY, init="pca", random_state=0, n_jobs=2).fit_transform(features)
    seconds, peer = middle - start, time.perf_counter() - middle
    print(f"t-SNE of {n} x {WIDTH}, perplexity {PERPLEXITY:.0f}")
    print(f"{'':24}{'seconds':>9}{'ratio':>8}{'trustworthiness':>18}")
    print(f"{'PolypStudio (openTSNE)':24}{seconds:9.1f}{1:8.1f}{trustworthiness(features, ours, n_neighbors=10):18.3f}")
    ratio = f"{peer / seconds:8.1f}{trustworthiness(features, theirs, n_neighbors=10):18.3f}"
    print(f"{'scikit-learn':24}{peer:9.1f}{ratio}  budget {BUDGET}")


if __name__ == "__main__":
    main()
