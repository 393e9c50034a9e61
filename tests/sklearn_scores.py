"""A trained classifier's scores as scikit-learn computes them: the oracle of `classifier.evaluation`, which uses torchmetrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from polypstudio.metrics.classification import predictions
from polypstudio.records import PATHOLOGIES, ArmRun, ClassScores, Pathology


def judge(arm: str, seed: int, truth: Sequence[Pathology], probabilities: ArrayLike) -> ArmRun:
    """All scores of one trained classifier: true classes and P(AD) of n images, cut at 0.5."""
    p_ad = np.asarray(probabilities, dtype=np.float64)
    labels, predicted = list(truth), predictions(p_ad)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=list(PATHOLOGIES), zero_division=0.0
    )
    scores = {
        c: ClassScores(precision=precision[i], recall=recall[i], f1=f1[i], support=support[i])
        for i, c in enumerate(PATHOLOGIES)
    }
    return ArmRun(
        arm=arm,
        seed=seed,
        scores=scores,
        balanced_accuracy=float(np.mean(recall)),
        auc=float(roc_auc_score([label == "ad" for label in labels], p_ad)),
        confusion=confusion_matrix(labels, predicted, labels=list(PATHOLOGIES)).tolist(),
        probabilities=p_ad.tolist(),
    )
