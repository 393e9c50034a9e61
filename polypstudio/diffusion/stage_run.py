"""The training loop of one stage, which can be killed at any moment.

A step depends only on (seed, stage, step) and on the weights, the average and the optimizer's moments, which are saved
every so often. A run that was killed takes up the newest saved state and ends, on the same machine, in the same bits.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from diffusers import DDPMScheduler, UNet2DConditionModel

from polypstudio import processes
from polypstudio.config import StudyConfig, TrainingConfig
from polypstudio.diffusion.base import Base
from polypstudio.diffusion.batches import Batch, BatchSource, Material, process_share
from polypstudio.diffusion.fingerprint import checkpoint_fingerprint, checkpoint_folder, training_section
from polypstudio.diffusion.held_out import HeldOutLoss
from polypstudio.diffusion.learner import Learner
from polypstudio.diffusion.loss import denoising_loss
from polypstudio.diffusion.previews import draw_previews
from polypstudio.diffusion.schedule import learning_rate
from polypstudio.diffusion.stages import Stage
from polypstudio.diffusion.trained_part import add_adapters, freeze
from polypstudio.diffusion.training_log import TrainingLog
from polypstudio.diffusion.watch import LossWatch
from polypstudio.errors import UserError
from polypstudio.progress import Report
from polypstudio.stopping import Stop, Stopped
from polypstudio.store.paths import StudyPaths

_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Setting:
    """What all stages of one training have in common."""

    study: StudyPaths
    config: StudyConfig
    base: Base
    accelerator: Accelerator
    material: Material
    schedule: DDPMScheduler
    held_out: HeldOutLoss
    quality_threshold: float | None  # sharpness below which an image's prompt says low quality, where it was measured

    @property
    def training(self) -> TrainingConfig:
        return training_section(self.config)


def new_learner(unet: UNet2DConditionModel, training: TrainingConfig, stage: Stage, device: torch.device) -> Learner:
    """A U-Net on the device, ready to be trained as the stage asks."""
    unet.to(device, memory_format=torch.channels_last).train()
    freeze(unet, stage.frozen, stage.trainable)
    lora = training.lora if training.method == "lora" else None
    if lora is not None:
        add_adapters(unet, lora, (training.seed, stage.name))
    if training.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
    return Learner(unet, stage.ema_decay, lora)


class StageRun:
    """One stage of one study."""

    def __init__(self, setting: Setting, stage: Stage, fingerprint: str) -> None:
        self._setting, self._stage, self._fingerprint = setting, stage, fingerprint
        self._states = setting.study.stage(stage.name)

    def missing(self) -> list[int]:
        """The checkpoints that are not there, or were made from something else."""
        made_by = {
            step: checkpoint_fingerprint(checkpoint_folder(self._setting.study, self._stage, step))
            for step in self._stage.checkpoints
        }
        return [step for step, fingerprint in made_by.items() if fingerprint != self._fingerprint]

    def train(self, unet: UNet2DConditionModel, missing: Sequence[int], report: Report, stop: Stop) -> None:
        """Trains from the newest usable state, or from ``unet``, to the last checkpoint; saves the ``missing`` ones."""
        stage, training = self._stage, self._setting.training
        learner = new_learner(unet, training, stage, self._setting.accelerator.device)
        first, watched = learner.load_state(self._states, self._fingerprint, at_most=missing[0] - 1)
        stepper = Stepper(self._setting, stage, learner, watched.get("scaler"))
        watch = LossWatch.restored(watched.get("loss", {}))
        log = TrainingLog(self._setting.study, stage.name, first, training)
        for step in range(first + 1, stage.checkpoints[-1] + 1):
            loss, rate = stepper.step(step)
            watch.add(loss)
            if watch.diverged:
                raise UserError(self._divergence(step, loss))
            log.add(step, loss, rate)
            report(step, stage.checkpoints[-1], f"{stage.name}: {log.summary}")
            if step in missing:
                self._save_checkpoint(learner, step)
            if step == stage.checkpoints[-1]:
                break
            stopping = processes.agreed(stop())
            if stopping or (step % training.save_state_every == 0 and watch.healthy):
                self._save_state(learner, step, {"loss": watch.saved(), "scaler": stepper.scaler_state()})
            if stopping:
                raise Stopped(f"stopped at step {step} of {stage.name}; run again to resume")
        log.close()
        if processes.is_main():
            for state in self._states.glob("state-*"):
                shutil.rmtree(state)
        processes.wait()

    def _save_checkpoint(self, learner: Learner, step: int) -> None:
        if processes.is_main():
            setting, stage = self._setting, self._stage
            with learner.averages_in_place():
                losses = setting.held_out.record(learner.unet)
                draw_previews(
                    setting.study, setting.config, setting.base, setting.material, learner.unet, stage.name, step
                )
            record: dict[str, str | int | float] = {
                "fingerprint": self._fingerprint,
                "stage": stage.name,
                "step": step,
                "images_seen": step * setting.training.images_per_step,
            }
            if setting.quality_threshold is not None:
                record["quality_threshold"] = setting.quality_threshold
            learner.save_checkpoint(checkpoint_folder(setting.study, stage, step), {**record, **losses})
        processes.wait()

    def _save_state(self, learner: Learner, step: int, watched: dict) -> None:
        if processes.is_main():
            learner.save_state(self._states, step, self._fingerprint, watched)
        processes.wait()

    def _divergence(self, step: int, loss: float) -> str:
        name = self._stage.name
        what = "has risen far above what it was" if math.isfinite(loss) else "is not finite"
        good = max((int(state.name.rpartition("-")[2]) for state in self._states.glob("state-*")), default=0)
        kept = f"the last good state (step {good})" if good else "no state of this stage"
        return (
            f"training stopped at step {step} of {name}: the loss {what}; {kept} and all checkpoints are kept; lower the "
            f"learning_rate of stage {name} (in a copy of the study, where it has iterations already) and run again"
        )


class Stepper:
    """Makes the optimizer steps of a stage: draws, predicts, learns, and lets the average follow."""

    def __init__(self, setting: Setting, stage: Stage, learner: Learner, scaler: dict | None = None) -> None:
        training = setting.training
        self._accelerator, self._training, self._stage, self._learner = setting.accelerator, training, stage, learner
        self._schedule = setting.schedule
        self._model, self._optimizer = setting.accelerator.prepare(learner.unet, learner.optimizer)
        if scaler and setting.accelerator.scaler is not None:
            setting.accelerator.scaler.load_state_dict(scaler)
        self._batches = BatchSource(
            stage,
            setting.material,
            size=training.images_per_step,
            caption_dropout=training.caption_dropout,
            seed=training.seed,
            share=process_share(
                training.batch_size, training.gradient_accumulation, processes.rank(), processes.count()
            ),
        )

    def scaler_state(self) -> dict | None:
        """The state of the scaler of float16 gradients, where there is one."""
        return None if self._accelerator.scaler is None else self._accelerator.scaler.state_dict()

    def step(self, number: int) -> tuple[float, float]:
        """Optimizer step ``number``: its mean loss (NaN where it or a gradient is not finite) and learning rate."""
        stage = self._stage
        rate = learning_rate(number, stage.steps, stage.learning_rate, stage.warm_up)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = self._optimize(self._batches.draw(number))
        if math.isfinite(loss):
            self._learner.update(number)
        return loss, rate

    def _optimize(self, batch: Batch) -> float:
        """One optimizer step; returns its mean loss, NaN where a gradient was not finite (then no step is made)."""
        accelerator, losses = self._accelerator, []
        for part in batch.split(self._training.batch_size // processes.count()):
            with accelerator.accumulate(self._model):
                loss = denoising_loss(
                    self._model, self._schedule, part.to(accelerator.device), self._training.min_snr_gamma
                )
                losses.append(loss.detach())
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    norm = accelerator.clip_grad_norm_(self._learner.parameters, _GRADIENT_NORM)
                    if accelerator.scaler is None and not torch.isfinite(norm):
                        return math.nan
                self._optimizer.step()
                self._optimizer.zero_grad()
        return float(accelerator.reduce(torch.stack(losses).mean(), "mean"))
