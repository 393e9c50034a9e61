"""New studies: from a dataset, or as a second run of an existing one."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

from polypstudio.config import PRESETS, ClassificationConfig, DataConfig, StudyConfig, TrainingConfig
from polypstudio.data.layouts import read_dataset
from polypstudio.errors import UserError
from polypstudio.progress import Report
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, RealImage
from polypstudio.store.atomic import new_folder
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import data_root, load_config, save_config

PHANTOM_COUNTS = {
    ("train", "ad"): 100,
    ("train", "non_ad"): 100,
    ("train", "unlabelled"): 40,
    ("train", "non_polyp"): 60,
    ("test", "ad"): 60,
    ("test", "non_ad"): 60,
}
PHANTOM_SEED = 20240617  # the day of the paper's workshop
PHANTOM_DEFINITION = (
    "Procedural images, not patients. AD: redder, with a tubular or gyrus-like surface; Non-AD: paler, smoother, "
    "with few dark spots. The two overlap by construction."
)


def create(
    study: StudyPaths, data: Path | None, layout: str, base: str | None, preset: str, report: Report
) -> StudyConfig:
    """Writes ``study.toml`` for a dataset that was read successfully; a phantom without a folder is drawn first."""
    phantom = layout == "phantom"
    if data is None and not phantom:
        raise UserError("--data is missing: give the folder of the real images")
    root = data if data is not None else study.root / "data"
    if phantom and not root.exists():
        from polypstudio.data.phantom import write_phantom

        write_phantom(root, PHANTOM_COUNTS, PHANTOM_SEED, report)
    images = read_dataset(root, layout)
    config = StudyConfig(
        title="Phantom" if phantom else study.name,
        description="Procedural colonoscopy scenes that stand in for patients' images." if phantom else "",
        data=_data_config(study, root, phantom),
        training=fit_mixture(_training(base, preset), images),
        classification=ClassificationConfig(
            model="efficientnet-lite0" if preset == "tiny" else "efficientnet_b0",
            image_size=128 if preset == "tiny" else 224,
        ),
    )
    for label in PATHOLOGIES:
        if not any(image.label == label and image.split == "train" for image in images):
            raise UserError(f"{root}: no training image of {PATHOLOGY_NAMES[label]}; add some")
    save_config(study, config)
    return config


def _data_config(study: StudyPaths, root: Path, phantom: bool) -> DataConfig:
    root = root.resolve()
    inside = root.is_relative_to(study.root)
    path = root.relative_to(study.root).as_posix() if inside else str(root)
    if phantom:
        return DataConfig(path=path, layout="phantom", phantom=True, definition=PHANTOM_DEFINITION)
    return DataConfig(path=path, layout="folder")


def _training(base: str | None, preset: str) -> TrainingConfig:
    training = PRESETS[preset]()
    return training.model_copy(update={"base": base}) if base else training


def fit_mixture(training: TrainingConfig, images: list[RealImage]) -> TrainingConfig:
    """A dataset without unlabelled polyps gives their share of the batch to the labelled ones."""
    counts = Counter(image.label for image in images if image.split == "train")
    mixture = training.pathology.mixture
    if counts["unlabelled"] or not mixture.unlabelled:
        return training
    mixture = mixture.model_copy(
        update={"labelled": round(mixture.labelled + mixture.unlabelled, 6), "unlabelled": 0.0}
    )
    return training.model_copy(update={"pathology": training.pathology.model_copy(update={"mixture": mixture})})


def rerun(source: StudyPaths, study: StudyPaths) -> StudyConfig:
    """A new study with the configuration, the images and the finished first stage of ``source``; stage 2 is to be run."""
    config = load_config(source)
    images = data_root(source, config)
    path = Path(os.path.relpath(images, study.root)).as_posix() if images.is_relative_to(source.root) else str(images)
    config = config.model_copy(
        update={"title": f"{config.title} (run anew)", "data": config.data.model_copy(update={"path": path})}
    )
    prior = source.training / "polyp_prior"
    if prior.is_dir():
        with new_folder(study.training / "polyp_prior") as copy:
            shutil.copytree(prior, copy, dirs_exist_ok=True)
    save_config(study, config)
    return config
