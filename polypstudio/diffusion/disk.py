"""How much fine-tuning will write."""

from __future__ import annotations

import math
from collections.abc import Sequence

from safetensors import safe_open

from polypstudio.config import StudyConfig
from polypstudio.diffusion.base import MODEL_WEIGHTS, Base
from polypstudio.diffusion.fingerprint import checkpoint_folder, training_section
from polypstudio.diffusion.latents import LatentCache, latent_shape
from polypstudio.diffusion.stages import Stage
from polypstudio.records import PATHOLOGIES
from polypstudio.store.paths import StudyPaths

_PNG = 0.7  # of the bytes of the pixels; measured on phantoms and real polyps at 128 px: 0.5 to 0.65


def bytes_to_write(
    study: StudyPaths, config: StudyConfig, base: Base, stages: Sequence[Stage], encoded: int, trainable: int = 0
) -> int:
    """Bytes of the checkpoints that are not there yet and their samples, of ``encoded`` images' latents, and of two
    resumable states of ``trainable`` parameters: while one is saved, the one before it is kept."""
    training = training_section(config)
    checkpoints = [
        stage
        for stage in stages
        for step in stage.checkpoints
        if not (checkpoint_folder(study, stage, step) / MODEL_WEIGHTS).is_file()
    ]
    images = len(PATHOLOGIES) * config.sampling.per_class * sum(stage.is_last for stage in checkpoints)
    row = LatentCache.of(study, "", training.resolution, latent_shape(base, training.resolution)).row_bytes
    return int(
        len(checkpoints) * 2 * unet_parameters(base)
        + images * 3 * training.resolution**2 * _PNG
        + encoded * row
        + 2 * 4 * 4 * trainable  # weight, average and two moments in float32
    )


def unet_parameters(base: Base) -> int:
    """How many numbers the U-Net has: from the header of its file."""
    with safe_open(base.folder / "unet" / MODEL_WEIGHTS, "np") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
