"""The augmentation test: ``results/classification/<model>.json``."""

from __future__ import annotations

from pydantic import Field

from polypstudio.records.base import Pathology, Record, Result
from polypstudio.records.images import ImageKey
from polypstudio.records.kid import Estimate


class ClassScores(Record):
    precision: float
    recall: float
    f1: float
    support: int


class ArmRun(Record):
    """One training of the classifier: one arm with one seed, judged on one set of images."""

    arm: str
    seed: int
    scores: dict[Pathology, ClassScores]
    balanced_accuracy: float
    auc: float
    confusion: list[list[int]] = Field(description="rows: true AD, Non-AD; columns: predicted AD, Non-AD")
    probabilities: list[float] = Field(description="P(AD) of each judged image, in the order of `images`")


class Arm(Record):
    """One arm of the augmentation test: real images, or real and synthetic images of one iteration."""

    name: str
    iteration: int | None
    synthetic_per_real: float
    n_train: dict[Pathology, int]
    runs: list[ArmRun]
    balanced_accuracy: Estimate
    difference: Estimate | None = Field(None, description="balanced accuracy minus that of the real arm, paired")
    p: float | None = Field(None, description="exact McNemar against the real arm on seed-averaged predictions")


class ClassificationResult(Result):
    """``results/classification/<model>.json``: the augmentation test."""

    model: str
    images: list[ImageKey] = Field(description="the judged real images")
    truth: list[Pathology]
    arms: list[Arm]
