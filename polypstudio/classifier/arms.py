"""Which images each arm of the augmentation test trains on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polypstudio.config import ClassificationConfig
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, Pathology, RealImage
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations, sample_files

REAL_ARM = "real"


@dataclass(frozen=True)
class TrainingSet:
    """The images of one arm: the real ones first, then the synthetic ones of ``iteration``."""

    name: str
    iteration: int | None
    files: list[Path]
    labels: list[Pathology]
    n_real: int

    @property
    def counts(self) -> dict[Pathology, int]:
        return {label: self.labels.count(label) for label in PATHOLOGIES}

    @property
    def synthetic_per_real(self) -> float:
        """As it came to be: below what was asked for where an iteration has fewer images."""
        return len(self.files) / self.n_real - 1


def training_sets(
    study: StudyPaths, config: ClassificationConfig, images: Sequence[RealImage], data_root: Path
) -> list[TrainingSet]:
    """The arm of real training images, then one arm an iteration (the last one, if none is named).

    Raises UserError where a class has no training image, or where a named iteration is not complete.
    """
    real = real_arm(images, data_root)
    return [real, *(augmented(real, study, n, config.synthetic_per_real) for n in _iterations(study, config))]


def real_arm(images: Sequence[RealImage], data_root: Path) -> TrainingSet:
    """All real training images of the two classes."""
    files: list[Path] = []
    labels: list[Pathology] = []
    for label in PATHOLOGIES:
        found = [data_root / image.path for image in images if image.split == "train" and image.label == label]
        if not found:
            raise UserError(
                f"{data_root}: no training image of {PATHOLOGY_NAMES[label]} to train a classifier on; add some"
            )
        files += found
        labels += [label] * len(found)
    return TrainingSet(REAL_ARM, None, files, labels, len(files))


def augmented(real: TrainingSet, study: StudyPaths, iteration: int, per_real: float) -> TrainingSet:
    """The real arm and, of each class, the first ``per_real`` × (number of real images) images of an iteration.

    The first ones, because the same index is the same initial noise at every iteration.
    """
    files, labels = list(real.files), list(real.labels)
    samples = sample_files(study, iteration)
    for label in PATHOLOGIES:
        wanted = round(per_real * real.counts[label])
        chosen = [path for path in samples if path.parent.name == label][:wanted]
        files += chosen
        labels += [label] * len(chosen)
    return TrainingSet(f"{REAL_ARM} + {iteration}", iteration, files, labels, real.n_real)


def _iterations(study: StudyPaths, config: ClassificationConfig) -> Sequence[int]:
    complete = complete_iterations(study)
    missing = [iteration for iteration in config.iterations if iteration not in complete]
    if missing:
        there = ", ".join(map(str, complete)) or "none"
        raise UserError(
            f"{study.config}: `classification.iterations`: {missing[0]} is not complete (there: {there}); "
            "correct it, or run `polypstudio sample`"
        )
    return config.iterations or complete[-1:]
