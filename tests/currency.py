"""Whether what lies in a study is what its configuration now says: the tests' reading of the fingerprints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from polypstudio.config import StudyConfig
from polypstudio.diffusion.base import MODEL_WEIGHTS
from polypstudio.diffusion.fingerprint import (
    checkpoint_fingerprint,
    reconstruction_fingerprint,
    sampling_fingerprint,
    stage_fingerprints,
    training_section,
)
from polypstudio.records import RealImage
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import load_manifest


def is_trained(study: StudyPaths, config: StudyConfig, images: Sequence[RealImage], data_root: Path) -> bool:
    """Whether every checkpoint of the last stage is there and was made from what the study now says."""
    fingerprint = list(stage_fingerprints(config, images, data_root).values())[-1]
    checkpoints = training_section(config).checkpoints
    return all(checkpoint_fingerprint(study.unet(step)) == fingerprint for step in checkpoints)


def is_sampled(study: StudyPaths, config: StudyConfig, iteration: int) -> bool:
    """Whether an iteration is complete and its samples are what the study now says."""
    if not study.manifest(iteration).is_file() or not (study.unet(iteration) / MODEL_WEIGHTS).is_file():
        return False
    made_from = load_manifest(study, iteration).hashes.get("made_from")
    return made_from == sampling_fingerprint(study, config, iteration)


def is_reconstructed(study: StudyPaths, config: StudyConfig, images: Sequence[RealImage], data_root: Path) -> bool:
    """Whether the reconstructions are complete and of the images and base that the study now has."""
    try:
        made_from = json.loads(study.reconstruction_manifest.read_bytes()).get("made_from")
    except (OSError, ValueError):
        return False
    return made_from == reconstruction_fingerprint(config, images, data_root)
