"""The training loop: runs what is missing of the two stages and can be killed at any moment.

A step depends only on (seed, stage, step) and on the weights, the average and the optimizer's moments, which are saved
every so often. A run that was killed takes up the newest saved state and ends, on the same machine, in the same bits.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import Tensor

from polypstudio.config import StudyConfig, TrainingConfig
from polypstudio.data.prompts import NEGATIVE
from polypstudio.diffusion.base import Base, base_fingerprint, load_base, load_unet
from polypstudio.diffusion.batches import Batch, BatchSource
from polypstudio.diffusion.fingerprint import (
    checkpoint_fingerprint,
    checkpoint_folder,
    content_hashes,
    stage_fingerprints,
    training_section,
)
from polypstudio.diffusion.latents import Latents, cached_latents, prompt_embeddings
from polypstudio.diffusion.learner import Learner
from polypstudio.diffusion.schedule import learning_rate
from polypstudio.diffusion.stages import Stage, build_stages
from polypstudio.diffusion.training_log import TrainingLog
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.records import RealImage
from polypstudio.stopping import Stopped, never
from polypstudio.store.paths import StudyPaths

_GRADIENT_NORM = 1.0


def train(
    study: StudyPaths,
    config: StudyConfig,
    images: Sequence[RealImage],
    data_root: Path,
    report: Report = silent,
    stop: Callable[[], bool] = never,
) -> None:
    """Trains what the study lacks of its stages; returns when every checkpoint of the last one is there.

    Where they all are there already, it does nothing, whether or not the earlier stage was kept.

    ``report`` counts optimizer steps over both stages (images while they are encoded). ``stop`` is asked after each
    step; if it says so, the state is saved and Stopped raised. The caller holds the study's lock.
    Raises UserError where the base, the data or the configuration cannot be trained with, and where the loss stops
    being finite; what was saved before stays.
    """
    training = training_section(config)
    stages = build_stages(training, images)
    fingerprints = stage_fingerprints(config, images, data_root)
    fingerprint = fingerprints[stages[-1].name]
    if all(checkpoint_fingerprint(study.unet(step)) == fingerprint for step in training.checkpoints):
        return
    _refuse_to_mix_trainings(study, training, fingerprint)
    base = load_base(training.base)
    accelerator = _accelerator(training)
    material = _prepare(study, training, base, stages, data_root, accelerator.device, report)
    steps_before, total = 0, sum(stage.checkpoints[-1] for stage in stages)
    start = base.folder / "unet"
    for stage in stages:
        run = StageRun(study, training, stage, fingerprints[stage.name], accelerator, material)
        if run.missing:
            run.train(load_unet(start), _shifted(report, steps_before, total), stop)
        start = checkpoint_folder(study, stage, stage.checkpoints[-1])
        steps_before += stage.checkpoints[-1]


@dataclass(frozen=True)
class Material:
    """What all stages are trained on: latents and text embeddings, where to find each, and the forward process."""

    latents: Latents
    rows: dict[str, int]
    text: Tensor
    words: dict[str, int]
    scaling: float
    schedule: DDPMScheduler


@dataclass(frozen=True)
class StageRun:
    """One stage of one study."""

    study: StudyPaths
    training: TrainingConfig
    stage: Stage
    fingerprint: str
    accelerator: Accelerator
    material: Material

    @property
    def missing(self) -> list[int]:
        """The checkpoints that are not there, or were made from something else."""
        return [step for step in self.stage.checkpoints if not self._is_current(step)]

    def train(self, unet: UNet2DConditionModel, report: Report, stop: Callable[[], bool]) -> None:
        """Trains from the newest usable state, or from ``unet``, to the last checkpoint."""
        stage, states = self.stage, self.study.stage(self.stage.name)
        unet.to(self.accelerator.device, memory_format=torch.channels_last).train()
        learner = Learner(unet, stage.frozen, stage.ema_decay)
        first = learner.load_state(states, self.fingerprint, at_most=self.missing[0] - 1)
        model, optimizer = self.accelerator.prepare(learner.unet, learner.optimizer)
        log = TrainingLog(self.study.training_log, stage.name, first, self._batch_size)
        batches = self._batches()
        for step in range(first + 1, stage.checkpoints[-1] + 1):
            rate = learning_rate(step, stage.steps, stage.learning_rate)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = self._optimize(model, optimizer, learner, batches.draw(step))
            if not math.isfinite(loss):
                raise UserError(self._divergence(step))
            learner.update(step)
            log.add(step, loss, rate)
            report(step, stage.checkpoints[-1], f"{stage.name}: {log.summary}")
            if step in stage.checkpoints and not self._is_current(step):
                self._save_checkpoint(learner, step)
            if step == stage.checkpoints[-1]:
                break
            stopping = stop()
            if stopping or step % self.training.save_state_every == 0:
                learner.save_state(states, step, self.fingerprint)
            if stopping:
                raise Stopped(f"stopped at step {step} of {stage.name}; run again to resume")
        for state in states.glob("state-*"):
            shutil.rmtree(state)

    def _optimize(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, learner: Learner, batch: Batch
    ) -> float:
        """One optimizer step; returns its mean loss, NaN where a gradient was not finite (then no step is made)."""
        losses = []
        for part in batch.split(self.training.batch_size):
            with self.accelerator.accumulate(model):
                loss = denoising_loss(model, self.material.schedule, part.to(self.accelerator.device))
                losses.append(loss.item())
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients:
                    norm = self.accelerator.clip_grad_norm_(learner.parameters, _GRADIENT_NORM)
                    if self.accelerator.scaler is None and not torch.isfinite(norm):
                        return math.nan
                optimizer.step()
                optimizer.zero_grad()
        return sum(losses) / len(losses)

    def _batches(self) -> BatchSource:
        material = self.material
        return BatchSource(
            self.stage,
            material.latents,
            material.rows,
            material.text,
            material.words,
            size=self._batch_size,
            scaling=material.scaling,
            timesteps=material.schedule.config.num_train_timesteps,
            caption_dropout=self.training.caption_dropout,
            seed=self.training.seed,
        )

    @property
    def _batch_size(self) -> int:
        """Images an optimizer step."""
        return self.training.batch_size * self.training.gradient_accumulation

    def _is_current(self, step: int) -> bool:
        return checkpoint_fingerprint(checkpoint_folder(self.study, self.stage, step)) == self.fingerprint

    def _save_checkpoint(self, learner: Learner, step: int) -> None:
        learner.save_checkpoint(
            checkpoint_folder(self.study, self.stage, step),
            {
                "fingerprint": self.fingerprint,
                "stage": self.stage.name,
                "step": step,
                "images_seen": step * self._batch_size,
            },
        )

    def _divergence(self, step: int) -> str:
        return (
            f"training stopped at step {step} of {self.stage.name}: the loss is not finite; the last saved state and all "
            f"checkpoints are kept; lower the learning_rate of stage {self.stage.name} and run again"
        )


def denoising_loss(model: torch.nn.Module, schedule: DDPMScheduler, batch: Batch) -> Tensor:
    """Mean squared error of the predicted noise or velocity, whichever the schedule asks for (Ho et al. 2020)."""
    noisy = schedule.add_noise(batch.latents, batch.noise, batch.timesteps)
    noisy = noisy.contiguous(memory_format=torch.channels_last)
    predicted = model(noisy, batch.timesteps, batch.text).sample
    if schedule.config.prediction_type == "v_prediction":
        target = schedule.get_velocity(batch.latents, batch.noise, batch.timesteps)
    else:
        target = batch.noise
    return F.mse_loss(predicted.float(), target)


def _accelerator(training: TrainingConfig) -> Accelerator:
    accelerator = Accelerator(
        mixed_precision=training.precision, gradient_accumulation_steps=training.gradient_accumulation
    )
    if training.precision == "fp16" and accelerator.device.type == "cpu":
        raise UserError('training.precision is "fp16", which needs a GPU: use "no" or "bf16" on this machine')
    return accelerator


def _prepare(
    study: StudyPaths,
    training: TrainingConfig,
    base: Base,
    stages: Sequence[Stage],
    data_root: Path,
    device: torch.device,
    report: Report,
) -> Material:
    images = list(dict.fromkeys(image for stage in stages for image in stage.images))
    hashes = content_hashes(images, data_root)
    files = [data_root / image.path for image in images]
    base_hash = base_fingerprint(training.base)
    latents = cached_latents(
        study, base, base_hash, files, [hashes[image.path] for image in images], training.resolution, device, report
    )
    prompts = [NEGATIVE, *sorted({prompt for stage in stages for prompt in stage.prompts})]
    return Material(
        latents,
        {image.path: row for row, image in enumerate(images)},
        prompt_embeddings(base, prompts, device).cpu(),
        {prompt: row for row, prompt in enumerate(prompts)},
        base.vae_scaling(),
        base.noise_schedule(),
    )


def _refuse_to_mix_trainings(study: StudyPaths, training: TrainingConfig, fingerprint: str) -> None:
    """The iterations of a study come from one training, and nothing trained or imported is overwritten by another."""
    for folder in sorted(study.iterations.glob("[0-9]*")):
        iteration = int(folder.name)
        made_by = checkpoint_fingerprint(study.unet(iteration))
        in_the_way = made_by is None and iteration in training.checkpoints
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
