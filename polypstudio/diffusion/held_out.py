"""The loss on held-out images at fixed noise and timesteps, by class: comparable between the checkpoints of a study."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel

from polypstudio.config import TrainingConfig
from polypstudio.diffusion.batches import Batch, Material
from polypstudio.diffusion.fingerprint import sample_prompts
from polypstudio.diffusion.loss import denoising_losses
from polypstudio.diffusion.randomness import generator_for
from polypstudio.records import PATHOLOGIES, Pathology, RealImage

TIMESTEPS = 4  # an image, evenly spaced over the forward process


def held_out_images(training: TrainingConfig, images: Sequence[RealImage]) -> dict[Pathology, list[RealImage]]:
    """The held-out images of each class whose loss is measured: evenly spaced over those there are."""
    chosen: dict[Pathology, list[RealImage]] = {}
    for label in PATHOLOGIES if training.held_out_images else ():
        of_class = [image for image in images if image.split == "test" and image.label == label]
        count = min(training.held_out_images, len(of_class))
        if count:
            chosen[label] = [of_class[place * len(of_class) // count] for place in range(count)]
    return chosen


class HeldOutLoss:
    """Measures the loss of a U-Net on the images of :func:`held_out_images`, each under the words of its class."""

    def __init__(
        self,
        training: TrainingConfig,
        images: dict[Pathology, list[RealImage]],
        material: Material,
        schedule: DDPMScheduler,
    ) -> None:
        self._training, self._images, self._material, self._schedule = training, images, material, schedule

    def record(self, unet: UNet2DConditionModel) -> dict[str, float | int]:
        """What a checkpoint's record says about its loss: ``held_out_loss_ad`` …, and of how many images."""
        losses: dict[str, float | int] = {
            f"held_out_loss_{label}": round(self._of_class(unet, label), 6) for label in self._images
        }
        return losses | ({"held_out_images": sum(map(len, self._images.values()))} if losses else {})

    @torch.inference_mode()
    def _of_class(self, unet: UNet2DConditionModel, label: Pathology) -> float:
        batch = self._batch(label)
        device = next(unet.parameters()).device
        parts = batch.split(max(1, self._training.batch_size))
        losses = [denoising_losses(unet, self._schedule, part.to(device)).cpu() for part in parts]
        return float(torch.cat(losses).double().mean())

    def _batch(self, label: Pathology) -> Batch:
        """Every image at every timestep: its mean latent, and noise that belongs to the image's place and the timestep."""
        material, images = self._material, self._images[label]
        steps = [(2 * n + 1) * material.timesteps // (2 * TIMESTEPS) for n in range(TIMESTEPS)]
        rows = [material.rows[image.path] for image in images]
        mean, _ = material.latents.posterior(rows, [0] * len(rows))
        generators = [
            generator_for(self._training.seed, "held out", label, n, t) for n in range(len(images)) for t in steps
        ]
        noise = torch.stack([torch.randn(mean.shape[1:], generator=generator) for generator in generators])
        words = material.text[material.words[sample_prompts(self._training)[label]]]
        return Batch(
            latents=(mean * material.scaling).repeat_interleave(TIMESTEPS, 0),
            noise=noise,
            timesteps=torch.tensor(steps).repeat(len(images)),
            text=words.expand(len(noise), -1, -1),
        )
