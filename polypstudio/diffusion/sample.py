"""Drawing the synthetic images of an iteration: the same noise for the same (class, index) at every iteration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
from diffusers import DPMSolverMultistepScheduler
from PIL import Image

import polypstudio
from polypstudio import processes
from polypstudio.config import StudyConfig
from polypstudio.data.prompts import NEGATIVE
from polypstudio.diffusion.base import MODEL_WEIGHTS, load_base, load_unet
from polypstudio.diffusion.fingerprint import (
    sample_prompts,
    sampling_fingerprint,
    training_section,
)
from polypstudio.diffusion.sampler import Item, Sampler
from polypstudio.progress import Report, silent
from polypstudio.records import PATHOLOGIES, IterationManifest, Pathology
from polypstudio.store.atomic import shared_folder
from polypstudio.store.checkpoints import checkpoint_record
from polypstudio.store.features import file_hash
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import save_manifest


def sample_iteration(study: StudyPaths, config: StudyConfig, iteration: int, report: Report = silent) -> None:
    """Draws ``config.sampling.per_class`` images of each class with the iteration's U-Net, then its manifest.

    What was there before is no longer complete from the start, and replaced at the end. Several processes draw a share
    each. ``report`` counts images.
    """
    items: list[Item] = [(label, index) for label in PATHOLOGIES for index in range(config.sampling.per_class)]
    if processes.is_main():
        study.manifest(iteration).unlink(missing_ok=True)
    with shared_folder(study.samples(iteration)) as folder:
        for label in PATHOLOGIES:
            (folder / label).mkdir(exist_ok=True)
        own = items[processes.rank() :: processes.count()]
        for done, ((label, index), pixels) in enumerate(
            zip(own, _sampler(study, config, iteration).draw(own), strict=True), start=1
        ):
            Image.fromarray(pixels).save(folder / label / f"{index:05d}.png", optimize=True)
            report(min(done * processes.count(), len(items)), len(items), f"iteration {iteration}")
    if processes.is_main():
        save_manifest(study, _manifest(study, config, iteration, items))
    processes.wait()


def draw(
    study: StudyPaths, config: StudyConfig, iteration: int, label: Pathology, indices: Sequence[int]
) -> list[np.ndarray]:
    """The images of one class at ``indices``, uint8 (h, w, 3), as :func:`sample_iteration` draws them (± 1 level)."""
    return list(_sampler(study, config, iteration).draw([(label, index) for index in indices]))


def _sampler(study: StudyPaths, config: StudyConfig, iteration: int) -> Sampler:
    return Sampler(config, load_base(training_section(config).base), load_unet(study.unet(iteration)))


def _manifest(study: StudyPaths, config: StudyConfig, iteration: int, items: Sequence[Item]) -> IterationManifest:
    """What the images now on disk were made from, and their hashes."""
    unet = study.unet(iteration)
    record = checkpoint_record(unet)
    files = {f"samples/{label}/{index:05d}.png": study.sample(iteration, label, index) for label, index in items}
    sampling = config.sampling
    return IterationManifest(
        iteration=iteration,
        origin="trained" if record else "imported weights",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        config=config.model_dump(mode="json"),
        seed=sampling.seed,
        prompts=sample_prompts(training_section(config)),
        negative_prompt=NEGATIVE,
        sampler={
            "name": DPMSolverMultistepScheduler.__name__,
            "algorithm": "dpmsolver++",
            "steps": sampling.steps,
            "guidance": sampling.guidance,
            "weights": "EMA" if record else "as imported",
        },
        versions={"polypstudio": polypstudio.__version__}
        | {package: version(package) for package in ("torch", "diffusers", "transformers")},
        hashes={"made_from": sampling_fingerprint(study, config, iteration), "unet": file_hash(unet / MODEL_WEIGHTS)}
        | {name: file_hash(path) for name, path in files.items()},
        counts=dict.fromkeys(PATHOLOGIES, sampling.per_class),
        training=record,
    )
