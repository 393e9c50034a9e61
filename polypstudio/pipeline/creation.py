"""New studies: from a dataset, or as a second run of an existing one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from polypstudio.config import (
    PRESETS,
    ClassificationConfig,
    DataConfig,
    DataSource,
    LayoutName,
    StageConfig,
    StudyConfig,
    TrainingConfig,
)
from polypstudio.data.catalogue import Catalogue
from polypstudio.data.layouts import list_study
from polypstudio.data.listing import Listing
from polypstudio.errors import UserError
from polypstudio.progress import Report
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, Label, RealImage
from polypstudio.store.atomic import new_folder
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import data_root, save_config

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
    study: StudyPaths,
    data: Path | None,
    layout: LayoutName,
    base: str | None,
    preset: str,
    report: Report,
    also: Sequence[DataSource] = (),
) -> tuple[StudyConfig, Listing]:
    """Writes ``study.toml`` for datasets that were read successfully; a phantom without a folder is drawn first.

    Returns the configuration, and what the datasets hold.
    """
    phantom = layout == "phantom"
    if data is None and not phantom:
        raise UserError("--data is missing: give the folder of the real images")
    root = data if data is not None else study.root / "data"
    if phantom and not root.exists():
        from polypstudio.data.phantom import write_phantom

        write_phantom(root, PHANTOM_COUNTS, PHANTOM_SEED, report)
    about = _data_config(study, root, layout, also)
    listing = list_study(about, root, Catalogue(study.catalogue))
    images = listing.images
    config = StudyConfig(
        title="Phantom" if phantom else study.name,
        description="Procedural colonoscopy scenes that stand in for patients' images." if phantom else "",
        data=about,
        training=fit_sources(_training(base, preset), images),
        classification=ClassificationConfig(
            model="efficientnet-lite0" if preset == "tiny" else "efficientnet_b0",
            image_size=128 if preset == "tiny" else 224,
        ),
    )
    for label in PATHOLOGIES:
        if not any(image.label == label and image.split == "train" for image in images):
            raise UserError(f"{root}: no training image of {PATHOLOGY_NAMES[label]}; add some")
    save_config(study, config)
    return config, listing


def _data_config(study: StudyPaths, root: Path, layout: LayoutName, also: Sequence[DataSource]) -> DataConfig:
    root = root.resolve()
    inside = root.is_relative_to(study.root)
    path = root.relative_to(study.root).as_posix() if inside else str(root)
    if layout == "phantom":
        return DataConfig(path=path, layout=layout, phantom=True, definition=PHANTOM_DEFINITION)
    return DataConfig(path=path, layout=layout, also=tuple(also))


def _training(base: str | None, preset: str) -> TrainingConfig:
    training = PRESETS[preset]()
    return training.model_copy(update={"base": base}) if base else training


def fit_sources(training: TrainingConfig, images: list[RealImage]) -> TrainingConfig:
    """Sources that find no image in a dataset (of unlabelled polyps, say) give their ratio to the first of their stage."""
    present = {image.label for image in images if image.split == "train"}
    stages = tuple(_fit_stage(stage, present) for stage in training.stages)
    return training.model_copy(update={"stages": stages})


def _fit_stage(stage: StageConfig, present: set[Label]) -> StageConfig:
    first, *others = stage.sources
    kept = [source for source in others if present & set(source.labels)]
    if len(kept) == len(others):
        return stage
    ratio = round(sum(source.ratio or 0 for source in (first, *others) if source not in kept), 6)
    return stage.model_copy(update={"sources": (first.model_copy(update={"ratio": ratio}), *kept)})


def rerun(source: StudyPaths, config: StudyConfig, study: StudyPaths) -> StudyConfig:
    """A new study with the images and the finished stages of ``source`` but the last, which is to be run with ``config``."""
    images = data_root(source, config)
    path = Path(os.path.relpath(images, study.root)).as_posix() if images.is_relative_to(source.root) else str(images)
    config = config.model_copy(
        update={"title": f"{config.title} (run anew)", "data": config.data.model_copy(update={"path": path})}
    )
    for stage in config.training.stages[:-1] if config.training else ():
        if source.stage(stage.name).is_dir():
            with new_folder(study.stage(stage.name)) as copy:
                shutil.copytree(source.stage(stage.name), copy, dirs_exist_ok=True)
    save_config(study, config)
    return config
