"""Scores of one trained classifier on the judged images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torchmetrics.functional.classification import (
    binary_auroc,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

from polypstudio.records import PATHOLOGIES, ArmRun, ClassScores, Pathology

THRESHOLD = 0.5


def judge(arm: str, seed: int, truth: Sequence[Pathology], probabilities: np.ndarray) -> ArmRun:
    """Precision, recall and F1 of each class, balanced accuracy, AUC and confusion matrix at P(AD) >= 0.5.

    ``probabilities`` (n,): P(AD) of the images whose classes ``truth`` names. A precision without any prediction is 0.
    """
    p_ad = torch.from_numpy(np.asarray(probabilities, np.float64))
    target = torch.tensor([PATHOLOGIES.index(label) for label in truth])
    predicted = torch.where(p_ad >= THRESHOLD, PATHOLOGIES.index("ad"), PATHOLOGIES.index("non_ad"))
    classes = len(PATHOLOGIES)
    precision, recall, f1 = (
        score(predicted, target, num_classes=classes, average=None).tolist()
        for score in (multiclass_precision, multiclass_recall, multiclass_f1_score)
    )
    scores = {
        label: ClassScores(precision=precision[i], recall=recall[i], f1=f1[i], support=int((target == i).sum()))
        for i, label in enumerate(PATHOLOGIES)
    }
    return ArmRun(
        arm=arm,
        seed=seed,
        scores=scores,
        balanced_accuracy=sum(recall) / classes,
        auc=float(binary_auroc(p_ad, (target == PATHOLOGIES.index("ad")).long())),
        confusion=multiclass_confusion_matrix(predicted, target, num_classes=classes).tolist(),
        probabilities=p_ad.tolist(),
    )
