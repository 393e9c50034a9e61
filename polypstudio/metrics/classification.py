"""How a classifier did on one set of images, and whether two classifiers differ, from labels and scores alone.

AD is the positive class of scores and AUC. Recall of AD is the sensitivity, recall of Non-AD the specificity, and the
balanced accuracy their mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from polypstudio.errors import UserError
from polypstudio.metrics.gram import Array
from polypstudio.metrics.uncertainty import generator, group_weights, interval
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, Estimate, Pathology

Truth = Sequence[Pathology]


def predictions(p_ad: ArrayLike) -> list[Pathology]:
    """The predicted class of each image: AD from P(AD) = 0.5 on."""
    return ["ad" if p >= 0.5 else "non_ad" for p in np.asarray(p_ad, dtype=np.float64)]


def mcnemar_p(truth: Truth, first: ArrayLike, second: ArrayLike) -> float:
    """Exact two-sided McNemar p that two classifiers err equally often: P(AD) of the same n images by each.

    Only images that one classifier gets right and the other wrong count; with none of them p is 1.
    """
    right = [_correct(truth, p) for p in (first, second)]
    gained = int(np.count_nonzero(~right[0] & right[1]))
    lost = int(np.count_nonzero(right[0] & ~right[1]))
    return 1.0 if gained + lost == 0 else float(binomtest(gained, gained + lost, 0.5).pvalue)


def balanced_accuracy(
    truth: Truth, runs: ArrayLike, groups: Sequence[Hashable] | None = None, draws: int = 1000, seed: int = 0
) -> Estimate:
    """Balanced accuracy, mean over runs, with an interval from a bootstrap over groups of images.

    ``runs`` (runs, n): P(AD) of each trained classifier. The interval is about other images for these trainings; the
    spread over seeds is shown by the runs themselves.
    """
    point, drawn = _balanced_accuracies(truth, runs, _image_weights(groups, len(truth), draws, seed))
    return Estimate(value=point, ci=interval(drawn))


def paired_difference(
    truth: Truth,
    runs: ArrayLike,
    baseline: ArrayLike,
    groups: Sequence[Hashable] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Balanced accuracy of some runs minus that of the baseline's, both seen on the same draws of groups."""
    weights = _image_weights(groups, len(truth), draws, seed)
    point, drawn = _balanced_accuracies(truth, runs, weights)
    baseline_point, baseline_drawn = _balanced_accuracies(truth, baseline, weights)
    return Estimate(value=point - baseline_point, ci=interval(drawn - baseline_drawn))


def _balanced_accuracies(truth: Truth, runs: ArrayLike, weights: Array) -> tuple[float, Array]:
    """Mean over runs of the balanced accuracy: on all images, and under each weighting (draws,)."""
    _check_classes(truth)
    p_ad = np.atleast_2d(np.asarray(runs, dtype=np.float64))
    correct = np.mean([_correct(truth, p) for p in p_ad], axis=0)
    everyone = np.ones((1, len(truth)))
    point, drawn = (_mean_recall(truth, correct, w) for w in (everyone, weights))
    return float(point[0]), drawn


def _mean_recall(truth: Truth, correct: Array, weights: Array) -> Array:
    is_ad = _is_ad(truth)
    recalls = []
    for members in (is_ad, ~is_ad):
        drawn = weights[:, members].sum(axis=1)
        hits = weights[:, members] @ correct[members]
        recalls.append(np.divide(hits, drawn, out=np.full(len(weights), np.nan), where=drawn > 0))
    return (recalls[0] + recalls[1]) / 2.0


def _image_weights(groups: Sequence[Hashable] | None, n: int, draws: int, seed: int) -> Array:
    names = range(n) if groups is None else groups
    if len(names) != n:
        raise UserError(f"{len(names)} groups for {n} judged images: name one for each image")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    codes = np.array([numbers[name] for name in names], dtype=np.intp)
    return group_weights(codes, draws, generator(seed, "classification")).astype(np.float64)


def _correct(truth: Truth, probabilities: ArrayLike) -> NDArray[np.bool_]:
    return (_probabilities(probabilities, len(truth)) >= 0.5) == _is_ad(truth)


def _is_ad(truth: Truth) -> NDArray[np.bool_]:
    return np.array([label == "ad" for label in truth])


def _probabilities(values: ArrayLike, n: int) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n,) or not np.isfinite(array).all():
        raise UserError(f"classifier scores of shape {array.shape} for {n} images, or not finite: train it again")
    return array


def _check_classes(truth: Truth) -> None:
    for c in PATHOLOGIES:
        if c not in truth:
            raise UserError(f"no {PATHOLOGY_NAMES[c]} images to judge a classifier on: add some to the test split")
