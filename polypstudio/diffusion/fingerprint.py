"""What the weights and images of a study were made from, as hashes: whether a step's outcome is still current.

No torch here, so that a run with nothing to do ends at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from polypstudio.config import StudyConfig, TrainingConfig
from polypstudio.data.prompts import NEGATIVE, prompt
from polypstudio.diffusion.base import MODEL_WEIGHTS, base_fingerprint
from polypstudio.diffusion.stages import Stage, build_stages
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES, Pathology, RealImage
from polypstudio.store.checkpoints import checkpoint_record
from polypstudio.store.features import file_hash
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import labelled

HashOf = Callable[[Path], str]
_TRAINING_VERSION = 1  # raise where the same configuration would train other weights
_SAMPLING_VERSION = 1
_RECONSTRUCTION_VERSION = 1


def training_section(config: StudyConfig) -> TrainingConfig:
    """``[training]`` of study.toml; UserError in a study that only imports iterations."""
    if config.training is None:
        raise UserError("study.toml has no [training]: add it, or import iterations with `polypstudio import`")
    return config.training


def stage_fingerprints(
    config: StudyConfig, images: Sequence[RealImage], data_root: Path, hash_of: HashOf = file_hash
) -> dict[str, str]:
    """Stage name -> hash of all that decides its weights, the stages before it included.

    When to save (checkpoints, states) is left out: it changes no weight.
    """
    training = training_section(config)
    stages = build_stages(training, images)
    hashes = content_hashes((image for stage in stages for image in stage.images), data_root, hash_of)
    fingerprints: dict[str, str] = {}
    start = base_fingerprint(training.base)
    common = training.model_dump(
        include={"resolution", "batch_size", "gradient_accumulation", "precision", "caption_dropout", "seed"}
    ) | _unusual(min_snr_gamma=training.min_snr_gamma)
    if training.method == "lora":
        common |= training.lora.model_dump()
    for stage in stages:
        start = _digest([_TRAINING_VERSION, start, common, _stage_content(stage, hashes)])
        fingerprints[stage.name] = start
    return fingerprints


def checkpoint_folder(study: StudyPaths, stage: Stage, step: int) -> Path:
    """Where a stage saves its U-Net: the last one its iterations, the others what the next starts from, and on the way."""
    if stage.is_last:
        return study.unet(step)
    return study.stage_unet(stage.name, None if step == stage.steps else step)


def checkpoint_fingerprint(unet: Path) -> str | None:
    """The fingerprint of the stage that made a checkpoint."""
    return checkpoint_record(unet).get("fingerprint")


def sampling_fingerprint(study: StudyPaths, config: StudyConfig, iteration: int) -> str:
    """Hash of all that decides the samples of an iteration, except how many are drawn at once."""
    training = training_section(config)
    unet = study.unet(iteration)
    weights = checkpoint_record(unet).get("sha256") or file_hash(unet / MODEL_WEIGHTS)
    settings = config.sampling.model_dump(exclude={"batch_size"})
    prompts = sample_prompts(training)
    about = [base_fingerprint(training.base), training.resolution, training.precision, prompts, NEGATIVE]
    return _digest([_SAMPLING_VERSION, weights, settings, *about])


def sample_prompts(training: TrainingConfig) -> dict[Pathology, str]:
    """The words each class is drawn with: those that the last stage learns its good images with."""
    return {label: prompt(label, "high", training.class_prompt(label)) for label in PATHOLOGIES}


def reconstruction_fingerprint(
    config: StudyConfig, images: Sequence[RealImage], data_root: Path, hash_of: HashOf = file_hash
) -> str:
    """Hash of all that decides the reconstructions of the labelled images."""
    training = training_section(config)
    judged = [image for split in ("train", "test") for image in labelled(list(images), split)]
    hashes = content_hashes(judged, data_root, hash_of)
    rows = [[image.split, image.label, hashes[image.path]] for image in judged]
    return _digest([_RECONSTRUCTION_VERSION, base_fingerprint(training.base), training.resolution, rows])


def content_hashes(images: Iterable[RealImage], data_root: Path, hash_of: HashOf = file_hash) -> dict[str, str]:
    """Path -> sha256 of each image file, of which ``hash_of`` may know some. UserError names one that cannot be read."""
    try:
        return {image.path: hash_of(data_root / image.path) for image in dict.fromkeys(images)}
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror}); bring the dataset back") from None


def _stage_content(stage: Stage, hashes: Mapping[str, str]) -> list[Any]:
    pools = [
        [pool.name, pool.weight, [[hashes[image.path], words] for image, words in pool.examples]]
        for pool in stage.pools
    ]
    unusual = _unusual(warm_up=stage.warm_up, trainable=stage.trainable or None)
    content = [stage.name, stage.steps, stage.learning_rate, stage.ema_decay, stage.frozen, pools]
    return [*content, unusual] if unusual else content


def _unusual(**settings: Any) -> dict[str, Any]:
    """The settings that are not left unset: one that came later leaves the fingerprints before it as they were."""
    return {name: value for name, value in settings.items() if value is not None}


def _digest(content: list[Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
