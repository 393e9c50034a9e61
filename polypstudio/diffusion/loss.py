"""The loss that the U-Net learns by."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from torch import Tensor

from polypstudio.diffusion.batches import Batch


def denoising_loss(
    model: torch.nn.Module, schedule: DDPMScheduler, batch: Batch, min_snr_gamma: float | None = None
) -> Tensor:
    """Mean squared error of the predicted noise or velocity, whichever the schedule asks for (Ho et al. 2020).

    With ``min_snr_gamma``, timesteps weigh by their signal-to-noise ratio cut off at it (Hang et al. 2023).
    """
    predicted, target = _prediction(model, schedule, batch)
    if min_snr_gamma is None:
        return F.mse_loss(predicted, target)
    return (_each(predicted, target) * min_snr_weights(schedule, batch.timesteps, min_snr_gamma)).mean()


def denoising_losses(model: torch.nn.Module, schedule: DDPMScheduler, batch: Batch) -> Tensor:
    """The unweighted loss of every image of a batch, (b,)."""
    return _each(*_prediction(model, schedule, batch))


def min_snr_weights(schedule: DDPMScheduler, timesteps: Tensor, gamma: float) -> Tensor:
    """min(SNR, γ) / SNR where noise is predicted, min(SNR, γ) / (SNR + 1) where velocity is."""
    signal = schedule.alphas_cumprod.to(timesteps.device)[timesteps]
    snr = signal / (1 - signal)
    return snr.clamp(max=gamma) / (snr + 1 if schedule.config.prediction_type == "v_prediction" else snr)


def _prediction(model: torch.nn.Module, schedule: DDPMScheduler, batch: Batch) -> tuple[Tensor, Tensor]:
    noisy = schedule.add_noise(batch.latents, batch.noise, batch.timesteps)
    noisy = noisy.contiguous(memory_format=torch.channels_last)
    predicted = model(noisy, batch.timesteps, batch.text).sample
    if schedule.config.prediction_type == "v_prediction":
        return predicted.float(), schedule.get_velocity(batch.latents, batch.noise, batch.timesteps)
    return predicted.float(), batch.noise


def _each(predicted: Tensor, target: Tensor) -> Tensor:
    return (predicted - target).square().flatten(1).mean(1)
