"""Classifier scores against textbook formulas, and the paper's Table 1 as a known answer for McNemar."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn_scores import judge

from polypstudio.errors import UserError
from polypstudio.metrics.classification import balanced_accuracy, mcnemar_p, paired_difference
from polypstudio.records import Pathology

TRUTH: list[Pathology] = ["ad"] * 6 + ["non_ad"] * 4
P_AD = [0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.2, 0.3, 0.4, 0.8]


def test_scores_by_hand() -> None:
    run = judge("real", 0, TRUTH, P_AD)
    assert run.confusion == [[5, 1], [1, 3]]
    assert run.scores["ad"].precision == pytest.approx(5 / 6)
    assert run.scores["ad"].recall == pytest.approx(5 / 6)
    assert run.scores["non_ad"].recall == pytest.approx(3 / 4)
    assert run.scores["non_ad"].support == 4
    assert run.balanced_accuracy == pytest.approx((5 / 6 + 3 / 4) / 2)
    pairs = [(a > b) + 0.5 * (a == b) for a in P_AD[:6] for b in P_AD[6:]]
    assert run.auc == pytest.approx(np.mean(pairs))


def test_equals_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    predicted = torch.tensor([int(p >= 0.5) for p in P_AD])
    truth = torch.tensor([int(label == "ad") for label in TRUTH])
    f1 = functional.multiclass_f1_score(predicted, truth, num_classes=2, average=None)
    run = judge("real", 0, TRUTH, P_AD)
    assert [run.scores["non_ad"].f1, run.scores["ad"].f1] == pytest.approx(f1.tolist())


def test_mcnemar_of_the_papers_table_1_at_its_most_favourable_pairing() -> None:
    truth: list[Pathology] = ["ad"] * 77 + ["non_ad"] * 36
    real = np.array([0.9] * 64 + [0.1] * 13 + [0.1] * 19 + [0.9] * 17)
    augmented = real.copy()
    augmented[:2], augmented[77:79] = 0.1, 0.9  # 64 -> 62 and 19 -> 17: four images lost, none gained
    assert mcnemar_p(truth, real, augmented) == 0.125
    assert mcnemar_p(truth, real, real) == 1.0


def test_interval_is_wider_when_images_come_in_groups() -> None:
    rng = np.random.default_rng(0)
    truth: list[Pathology] = ["ad"] * 60 + ["non_ad"] * 60
    groups = [index // 6 for index in range(120)]
    right = rng.random(20) < 0.7
    p_ad = [0.9 if right[group] == (label == "ad") else 0.1 for group, label in zip(groups, truth, strict=True)]
    alone, grouped = balanced_accuracy(truth, p_ad), balanced_accuracy(truth, p_ad, groups)
    assert alone.value == grouped.value == judge("real", 0, truth, p_ad).balanced_accuracy
    assert grouped.ci[1] - grouped.ci[0] > 1.7 * (alone.ci[1] - alone.ci[0])


def test_paired_difference_is_about_the_same_images() -> None:
    rng = np.random.default_rng(1)
    truth: list[Pathology] = ["ad"] * 50 + ["non_ad"] * 50
    is_ad = np.arange(100) < 50
    baseline = np.where(is_ad == (rng.random(100) < 0.7), 0.9, 0.1)
    better = baseline.copy()
    better[:5] = 0.9
    same = paired_difference(truth, baseline, baseline)
    assert (same.value, same.ci) == (0.0, (0.0, 0.0))
    difference = paired_difference(truth, [better, better], baseline)
    assert difference.value == pytest.approx(np.mean(better[:50] >= 0.5) / 2 - np.mean(baseline[:50] >= 0.5) / 2)
    assert difference.ci[0] >= 0


def test_bad_input() -> None:
    with pytest.raises(UserError, match="no Non-AD images"):
        balanced_accuracy(["ad", "ad"], [[0.1, 0.9]])
    with pytest.raises(UserError, match="not finite"):
        mcnemar_p(TRUTH, [np.nan] * 10, P_AD)
    with pytest.raises(UserError, match="3 groups for 10"):
        balanced_accuracy(TRUTH, P_AD, ["a", "b", "c"])
