"""t-SNE of 5,000 images x 50 components beside scikit-learn, in one process.

python benchmarks/tsne.py [--images 5000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from sklearn.manifold import TSNE, trustworthiness

from polypstudio.metrics.tsne import embedding

WIDTH, PERPLEXITY, BUDGET = 50, 30.0, 1.5


def timed(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    points = run()
    return time.perf_counter() - start, points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    n, centres = options.images, 2 * rng.normal(size=(16, WIDTH))
    features = centres[rng.integers(16, size=n)] + rng.normal(size=(n, WIDTH))
    embedding(features[:200], PERPLEXITY)  # imports and first calls are not what is measured
    runs: dict[str, Callable[[], np.ndarray]] = {
        "PolypStudio (openTSNE)": lambda: embedding(features, PERPLEXITY),
        "scikit-learn": lambda: TSNE(perplexity=PERPLEXITY, init="pca", random_state=0, n_jobs=2).fit_transform(
            features
        ),
    }
    taken: dict[str, list[tuple[float, np.ndarray]]] = {name: [] for name in runs}
    for _ in range(options.rounds):  # in turns: what else the machine does meets both
        for name, run in runs.items():
            taken[name].append(timed(run))
    ours = median(seconds for seconds, _ in taken["PolypStudio (openTSNE)"])
    print(f"t-SNE of {n} x {WIDTH}, perplexity {PERPLEXITY:.0f}, median of {options.rounds} runs")
    print(f"{'':24}{'seconds':>9}{'ratio':>8}{'trustworthiness':>18}")
    for name, rounds in taken.items():
        seconds = median(seconds for seconds, _ in rounds)
        print(
            f"{name:24}{seconds:9.1f}{seconds / ours:8.2f}{trustworthiness(features, rounds[0][1], n_neighbors=10):18.3f}"
        )
    print(f"budget {BUDGET}")


if __name__ == "__main__":
    main()
