"""The stages of fine-tuning, from what a study holds to what it lacks of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from accelerate import Accelerator

from polypstudio import processes
from polypstudio.config import StudyConfig, TrainingConfig
from polypstudio.data.prompts import NEGATIVE
from polypstudio.data.sharpness import quality_threshold
from polypstudio.diffusion.base import Base, base_fingerprint, load_base, load_unet
from polypstudio.diffusion.batches import Material
from polypstudio.diffusion.disk import bytes_to_write
from polypstudio.diffusion.fingerprint import (
    HashOf,
    checkpoint_fingerprint,
    checkpoint_folder,
    content_hashes,
    sample_prompts,
    stage_fingerprints,
    training_section,
)
from polypstudio.diffusion.fitting import refuse_what_cannot_fit
from polypstudio.diffusion.held_out import HeldOutLoss, held_out_images
from polypstudio.diffusion.latents import LatentCache, cached_latents, latent_shape
from polypstudio.diffusion.stage_run import Setting, StageRun
from polypstudio.diffusion.stages import Stage, build_stages
from polypstudio.diffusion.text import cached_embeddings
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.records import RealImage
from polypstudio.stopping import Stop, never
from polypstudio.store.features import file_hash
from polypstudio.store.paths import StudyPaths


def train(
    study: StudyPaths,
    config: StudyConfig,
    images: Sequence[RealImage],
    data_root: Path,
    report: Report = silent,
    stop: Stop = never,
    hash_of: HashOf = file_hash,
) -> None:
    """Trains what the study lacks of its stages; returns when every checkpoint of the last one is there.

    Where they all are there already, it does nothing, whether or not the earlier stages were kept.

    ``report`` counts optimizer steps over all stages (images while they are encoded). ``stop`` is asked after each
    step; if it says so, the state is saved and Stopped raised. The caller holds the study's lock.
    Raises UserError where the base, the data or the configuration cannot be trained with, and where the loss diverges;
    what was saved before stays.
    """
    training = training_section(config)
    stages = build_stages(training, images)
    fingerprints = stage_fingerprints(config, images, data_root, hash_of)
    fingerprint = fingerprints[stages[-1].name]
    if all(checkpoint_fingerprint(study.unet(step)) == fingerprint for step in training.checkpoints):
        return
    _refuse_to_mix_trainings(study, training, fingerprint)
    base = load_base(training.base)
    accelerator = new_accelerator(training)
    encoding = missing_latents(study, config, base, stages, images, data_root, hash_of)
    refuse_what_cannot_fit(study, training, bytes_to_write(study, config, base, stages, len(encoding)))
    setting = prepare(study, config, base, stages, images, data_root, accelerator, report, stop, hash_of)
    steps_before, total = 0, sum(stage.checkpoints[-1] for stage in stages)
    start = base.folder / "unet"
    for stage in stages:
        run = StageRun(setting, stage, fingerprints[stage.name])
        missing = processes.agreed(run.missing())
        if missing:
            run.train(load_unet(start), missing, _shifted(report, steps_before, total), stop)
        start = checkpoint_folder(study, stage, stage.checkpoints[-1])
        steps_before += stage.checkpoints[-1]


def new_accelerator(training: TrainingConfig) -> Accelerator:
    """What moves the training to the device, in the precision asked for. UserError where it cannot."""
    count = processes.count()
    if training.batch_size % count:
        raise UserError(
            f"training.batch_size is {training.batch_size}, over all processes: with {count} of them it has to be a "
            f"multiple of {count}"
        )
    processes.state()
    accelerator = Accelerator(
        cpu=processes.on_cpu(),
        mixed_precision=training.precision,
        gradient_accumulation_steps=training.gradient_accumulation,
    )
    if training.precision == "fp16" and accelerator.device.type == "cpu":
        raise UserError('training.precision is "fp16", which needs a GPU: use "no" or "bf16" on this machine')
    return accelerator


def prepare(
    study: StudyPaths,
    config: StudyConfig,
    base: Base,
    stages: Sequence[Stage],
    images: Sequence[RealImage],
    data_root: Path,
    accelerator: Accelerator,
    report: Report = silent,
    stop: Stop = never,
    hash_of: HashOf = file_hash,
) -> Setting:
    """What the stages have in common: latents of all images they need, embeddings of all prompts, the forward process."""
    training = training_section(config)
    needed = _needed(training, stages, images)
    hashes = content_hashes(needed, data_root, hash_of)
    files = {hashes[image.path]: data_root / image.path for image in needed}
    base_hash, device = base_fingerprint(training.base), accelerator.device
    latents, rows = cached_latents(study, base, base_hash, files, training.resolution, device, report, stop)
    spoken = {prompt for stage in stages for prompt in stage.prompts} | set(sample_prompts(training).values())
    prompts = list(dict.fromkeys([NEGATIVE, *sorted(spoken)]))
    schedule = base.noise_schedule()
    material = Material(
        latents=latents,
        rows={image.path: rows[hashes[image.path]] for image in needed},
        text=cached_embeddings(study, base, base_hash, prompts, device),
        words={prompt: row for row, prompt in enumerate(prompts)},
        scaling=base.vae_scaling(),
        timesteps=schedule.config.num_train_timesteps,
    )
    held_out = HeldOutLoss(training, held_out_images(training, images), material, schedule)
    return Setting(study, config, base, accelerator, material, schedule, held_out, quality_threshold(images))


def missing_latents(
    study: StudyPaths,
    config: StudyConfig,
    base: Base,
    stages: Sequence[Stage],
    images: Sequence[RealImage],
    data_root: Path,
    hash_of: HashOf = file_hash,
) -> list[Path]:
    """The files that would have to be encoded before the stages could begin."""
    training = training_section(config)
    needed = _needed(training, stages, images)
    hashes = content_hashes(needed, data_root, hash_of)
    shape = latent_shape(base, training.resolution)
    rows = LatentCache.of(study, base_fingerprint(training.base), training.resolution, shape).rows()
    return list({hashes[i.path]: data_root / i.path for i in needed if hashes[i.path] not in rows}.values())


def _needed(training: TrainingConfig, stages: Sequence[Stage], images: Sequence[RealImage]) -> list[RealImage]:
    """The images that the stages draw from, then those whose loss is measured."""
    drawn = dict.fromkeys(image for stage in stages for image in stage.images)
    return [*drawn, *(image for of_class in held_out_images(training, images).values() for image in of_class)]


def _refuse_to_mix_trainings(study: StudyPaths, training: TrainingConfig, fingerprint: str) -> None:
    """The iterations of a study come from one training, and nothing trained or imported is overwritten by another."""
    for folder in sorted(study.iterations.glob("[0-9]*")):
        iteration = int(folder.name)
        made_by = checkpoint_fingerprint(study.unet(iteration))
        holds_something = study.unet(iteration).is_dir() or study.manifest(iteration).is_file()
        in_the_way = made_by is None and holds_something and iteration in training.checkpoints
        if in_the_way or made_by not in (None, fingerprint):
            origin = "was imported" if in_the_way else "was trained with other images or settings"
            raise UserError(
                f"{folder} {origin}: train in a new study (`polypstudio rerun {study.name} NAME`), or remove that folder"
            )


def _shifted(report: Report, before: int, all_steps: int) -> Report:
    """``report`` of one stage as a part of the whole training."""

    def shifted(done: float, total: float, message: str = "") -> None:
        report(before + done, all_steps, message)

    return shifted
