"""Scores of an arm as papers print them: means over its seeds."""

from __future__ import annotations

from polypstudio.records import PATHOLOGIES, Arm, Pathology


def mean_scores(arm: Arm) -> dict[Pathology, dict[str, float]]:
    """class -> precision, recall, f1, each the mean over the arm's seeds."""
    return {
        label: {
            score: sum(getattr(run.scores[label], score) for run in arm.runs) / len(arm.runs)
            for score in ("precision", "recall", "f1")
        }
        for label in PATHOLOGIES
    }


def mean_confusion(arm: Arm) -> list[list[float]]:
    """Rows: true AD, Non-AD; columns: predicted AD, Non-AD; mean over the arm's seeds."""
    return [[sum(run.confusion[i][j] for run in arm.runs) / len(arm.runs) for j in (0, 1)] for i in (0, 1)]
