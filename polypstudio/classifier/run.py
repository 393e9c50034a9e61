"""Trains every arm with every seed and judges all on the held-out real images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from polypstudio.classifier.arms import TrainingSet, training_sets
from polypstudio.classifier.evaluation import judge
from polypstudio.classifier.network import create_classifier
from polypstudio.classifier.training import Schedule, fine_tune, predict
from polypstudio.config import ClassificationConfig, StudyConfig
from polypstudio.errors import UserError
from polypstudio.metrics.classification import balanced_accuracy, mcnemar_p, paired_difference
from polypstudio.progress import Report, silent
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    Arm,
    ArmRun,
    ClassificationResult,
    ImageKey,
    Pathology,
    RealImage,
)
from polypstudio.store.images import load_rgb
from polypstudio.store.paths import StudyPaths, real_set
from polypstudio.store.studies import labelled


def run_arms(
    study: StudyPaths, config: StudyConfig, images: list[RealImage], data_root: Path, report: Report = silent
) -> ClassificationResult:
    """The augmentation test of a study: trained on the train split and synthetic images, judged on the test split.

    All arms take as many optimizer steps as the configured epochs of the real arm do, so that an arm is not better for
    having been trained longer. Raises UserError where a class is missing in a split, an iteration is not complete, the
    network's weights cannot be had, or an image cannot be read.
    """
    settings = config.classification
    sets = training_sets(study, settings, images, data_root)
    judged = labelled(images, "test")
    truth = _truth(judged, data_root)
    test_pixels = load_pixels([data_root / image.path for image in judged], settings.image_size)
    schedule = Schedule(
        steps=settings.epochs * math.ceil(sets[0].n_real / settings.batch_size),
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
    )
    groups = [image.group for image in judged]
    arms: list[Arm] = []
    trainings = len(sets) * len(settings.seeds)
    for training_set in sets:
        pixels = load_pixels(training_set.files, settings.image_size)
        runs: list[ArmRun] = []
        for seed in settings.seeds:
            part = _Part(
                report, len(arms) * len(settings.seeds) + len(runs), trainings, f"{training_set.name}, seed {seed}"
            )
            probabilities = train_once(training_set, pixels, test_pixels, settings, schedule, seed, part)
            runs.append(judge(training_set.name, seed, truth, probabilities))
        arms.append(_arm(training_set, runs, truth, groups, arms[0] if arms else None, config.evaluation.bootstrap))
    return ClassificationResult(
        settings={**settings.model_dump(exclude={"seeds", "iterations"}), "steps": schedule.steps},
        model=settings.model,
        images=_keys(judged),
        truth=truth,
        arms=arms,
    )


@dataclass(frozen=True)
class _Part:
    """The report of one training among several: fractions of a training, counted on from those already done."""

    report: Report
    before: int
    trainings: int
    name: str

    def __call__(self, done: float, total: float, message: str = "") -> None:
        self.report(self.before + done / total, self.trainings, f"{self.name}: {message}")


def load_pixels(files: Sequence[Path], size: int) -> np.ndarray:
    """uint8 (n, size, size, 3)."""
    return np.stack([load_rgb(path, size) for path in files])


def train_once(
    training_set: TrainingSet,
    pixels: np.ndarray,
    test_pixels: np.ndarray,
    settings: ClassificationConfig,
    schedule: Schedule,
    seed: int,
    report: Report = silent,
) -> np.ndarray:
    """P(AD) (n,) of the test images by one classifier; everything random in it comes from ``seed``."""
    classes = np.array([PATHOLOGIES.index(label) for label in training_set.labels])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = create_classifier(settings.model, settings.pretrained)
        fine_tune(classifier, pixels, classes, schedule, seed, report)
    return predict(classifier, test_pixels, settings.batch_size)


def _arm(
    training_set: TrainingSet,
    runs: list[ArmRun],
    truth: list[Pathology],
    groups: list[str],
    real: Arm | None,
    draws: int,
) -> Arm:
    """One arm with its estimates, and its paired comparison with the real arm if it is not that arm."""
    scores = np.array([run.probabilities for run in runs])
    baseline = None if real is None else np.array([run.probabilities for run in real.runs])
    return Arm(
        name=training_set.name,
        iteration=training_set.iteration,
        synthetic_per_real=training_set.synthetic_per_real,
        n_train=training_set.counts,
        runs=runs,
        balanced_accuracy=balanced_accuracy(truth, scores, groups, draws),
        difference=None if baseline is None else paired_difference(truth, scores, baseline, groups, draws),
        p=None if baseline is None else mcnemar_p(truth, baseline.mean(axis=0), scores.mean(axis=0)),
    )


def _truth(judged: list[RealImage], data_root: Path) -> list[Pathology]:
    truth: list[Pathology] = [label for image in judged for label in PATHOLOGIES if image.label == label]
    for label in PATHOLOGIES:
        if label not in truth:
            raise UserError(
                f"{data_root}: no test image of {PATHOLOGY_NAMES[label]} to judge a classifier on; add some"
            )
    return truth


def _keys(judged: list[RealImage]) -> list[ImageKey]:
    """Names of the judged images: counted within each class, as everywhere."""
    keys = []
    for label in PATHOLOGIES:
        count = sum(image.label == label for image in judged)
        keys += [ImageKey(real_set("test"), label, index) for index in range(count)]
    return keys
