"""Whether trivial statistics tell real from synthetic images: then a KID may be about files and not about what they show.

A logistic regression is trained on four fifths of the images and judged on the rest, groups never split; the AUC of its
out-of-fold scores has an interval from a bootstrap over groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from polypstudio.errors import UserError
from polypstudio.metrics.gram import Array, Codes
from polypstudio.metrics.uncertainty import generator, group_weights, interval
from polypstudio.records import Estimate, LeakTest

FOLDS = 5
FEWEST = 2
DRAWS = 500


def leak_test(
    real: Array, synthetic: Array, groups: Sequence[str], names: Sequence[str], seed: int = 0, draws: int = DRAWS
) -> LeakTest:
    """Real against synthetic images by statistics (n, p), (m, p) called ``names``; ``groups`` (n,) of the real images.

    Raises UserError for fewer than two groups of real or two synthetic images.
    """
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.intp)
    folds = min(FOLDS, len(np.unique(numbers)), len(synthetic))
    if folds < FEWEST:
        raise UserError(f"the leak check needs {FEWEST} groups of real and {FEWEST} synthetic images: add images")
    wins = _wins(*_out_of_fold(real, synthetic, numbers, folds))
    point = wins.mean()
    rng = generator(seed, "leaks")
    x, y = group_weights(numbers, draws, rng), group_weights(np.arange(len(synthetic)), draws, rng)
    drawn = np.einsum("ij,ij->i", x @ wins, y) / (x.sum(axis=1) * y.sum(axis=1))
    single = [_wins(real[:, i], synthetic[:, i]).mean() for i in range(len(names))]
    apart = [max(auc, 1.0 - auc) for auc in single]
    strongest = int(np.argmax(apart))
    return LeakTest(
        auc=Estimate(value=float(point), ci=interval(drawn)),
        strongest=names[strongest],
        strongest_auc=float(apart[strongest]),
    )


def _out_of_fold(real: Array, synthetic: Array, groups: Codes, folds: int) -> tuple[Array, Array]:
    """Scores of each image by a model that has not seen its group: high for real."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values = np.concatenate([real, synthetic])
    is_real = np.repeat([1, 0], [len(real), len(synthetic)])
    everyone = np.concatenate([groups, groups.max() + 1 + np.arange(len(synthetic))])
    scores = np.empty(len(values))
    for train, test in StratifiedGroupKFold(folds).split(values, is_real, everyone):
        model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
        scores[test] = model.fit(values[train], is_real[train]).decision_function(values[test])
    return scores[: len(real)], scores[len(real) :]


def _wins(real: Array, synthetic: Array) -> Array:
    """1 where a real image scores above a synthetic one, one half where equal: (n,), (m,) -> (n, m); its mean is the AUC."""
    return (real[:, None] > synthetic[None, :]) + 0.5 * (real[:, None] == synthetic[None, :])
