"""A few images while a stage trains, from the same noise at every checkpoint."""

from __future__ import annotations

from diffusers import UNet2DConditionModel
from PIL import Image

from polypstudio.config import StudyConfig
from polypstudio.diffusion.base import Base
from polypstudio.diffusion.batches import Material
from polypstudio.diffusion.fingerprint import training_section
from polypstudio.diffusion.sampler import Sampler
from polypstudio.records import PATHOLOGIES
from polypstudio.store.atomic import new_folder
from polypstudio.store.paths import StudyPaths


def draw_previews(
    study: StudyPaths,
    config: StudyConfig,
    base: Base,
    material: Material,
    unet: UNet2DConditionModel,
    stage: str,
    step: int,
) -> None:
    """Writes ``previews/<stage>/<step>/<label>-<index>.png``: the first images that sampling would draw from ``unet``."""
    items = [(label, index) for label in PATHOLOGIES for index in range(training_section(config).previews)]
    if not items:
        return
    embeddings = {words: material.text[row] for words, row in material.words.items()}
    sampler = Sampler(config, base, unet, embeddings)
    with new_folder(study.previews(stage) / f"{step:06d}") as folder:
        for (label, index), pixels in zip(items, sampler.draw(items), strict=True):
            Image.fromarray(pixels).save(folder / f"{label}-{index}.png")
