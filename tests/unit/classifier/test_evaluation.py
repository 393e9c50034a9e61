"""torchmetrics against scikit-learn, and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from polypstudio.classifier.evaluation import judge
from polypstudio.records import PATHOLOGIES


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = ["ad"] * 19 + ["non_ad"] * 36
    p_ad = rng.beta(2, 2, 55).round(2)  # with ties
    run = judge("real", seed, truth, p_ad)

    predicted = np.where(p_ad >= 0.5, "ad", "non_ad")
    precision, recall, f1, support = precision_recall_fscore_support(truth, predicted, labels=PATHOLOGIES)
    for i, label in enumerate(PATHOLOGIES):
        scores = run.scores[label]
        assert (scores.precision, scores.recall, scores.f1) == pytest.approx((precision[i], recall[i], f1[i]), abs=1e-6)
        assert scores.support == support[i]
    assert run.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, predicted), abs=1e-6)
    assert run.auc == pytest.approx(roc_auc_score(np.array(truth) == "ad", p_ad), abs=1e-6)
    assert run.confusion == confusion_matrix(truth, predicted, labels=PATHOLOGIES).tolist()
    assert run.probabilities == p_ad.tolist()


def test_the_confusion_matrix_has_the_truth_in_its_rows() -> None:
    run = judge("real", 0, ["ad", "ad", "ad", "non_ad"], np.array([0.9, 0.2, 0.5, 0.1]))
    assert run.confusion == [[2, 1], [0, 1]]
    assert run.scores["ad"].precision == 1
    assert run.scores["non_ad"].precision == 0.5


def test_a_class_that_is_never_predicted_has_precision_zero() -> None:
    run = judge("real", 0, ["ad", "non_ad"], np.array([0.9, 0.8]))
    assert (run.scores["non_ad"].precision, run.scores["non_ad"].f1, run.balanced_accuracy) == (0, 0, 0.5)
