"""The base U-Net: what the colon looks like, with and without a polyp, before it has heard of the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor

from polypstudio.data.prompts import NEGATIVE, Quality, prompt
from polypstudio.diffusion.recipe.codec import to_tensor
from polypstudio.diffusion.recipe.pictures import Frame, draw_leaves, draw_phantoms
from polypstudio.diffusion.recipe.settings import CodecSettings, PriorSettings, RecipeSettings, TextSettings
from polypstudio.diffusion.recipe.training import SHARES, Loss, train
from polypstudio.progress import Report
from polypstudio.records import Label

LEAVES_PROMPT = "an image of high quality"
"""Tells the dead leaves apart from the colon, so that they loosen the U-Net without colouring its phantoms."""

PROMPTED: tuple[Label, ...] = ("unlabelled", "non_polyp")


def train_prior(
    codec: AutoencoderKL, embeddings: dict[str, Tensor], settings: RecipeSettings, work: Path, report: Report
) -> tuple[UNet2DConditionModel, float]:
    """Train the U-Net, or take up its training in `work/prior`; returns it with the wall-clock seconds spent.

    `embeddings` holds the text encoder's output (length, width) for each prompt of `prior_prompts()`.
    """
    pictures, prompts = _captioned_pictures(settings, work)
    latents = encode(codec, pictures)
    unet = new_unet(settings.prior, settings.codec, settings.text, settings.size, settings.seed)
    loss = prior_loss(unet, latents, prompts, embeddings, settings.prior, codec.config.scaling_factor)
    seconds = train(unet, loss, settings.prior.optimizer, settings.seed, work / "prior", report)
    return unet.eval(), seconds


def prior_prompts() -> list[str]:
    """Every prompt the base U-Net is trained with."""
    qualities: tuple[Quality, ...] = ("high", "low")
    return [NEGATIVE, LEAVES_PROMPT, *(prompt(label, quality) for label in PROMPTED for quality in qualities)]


def new_unet(
    settings: PriorSettings, codec: CodecSettings, text: TextSettings, size: int, seed: int
) -> UNet2DConditionModel:
    """An untrained U-Net that hears the prompt on all levels but the uppermost."""
    torch.manual_seed(seed)
    below = len(settings.channels) - 1
    return UNet2DConditionModel(
        sample_size=size // 2 ** (len(codec.channels) - 1),
        in_channels=codec.latent_channels,
        out_channels=codec.latent_channels,
        layers_per_block=1,
        block_out_channels=settings.channels,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * below),
        up_block_types=(*("CrossAttnUpBlock2D",) * below, "UpBlock2D"),
        cross_attention_dim=text.width,
        attention_head_dim=settings.heads,
        norm_num_groups=8,
    )


def new_scheduler() -> DDIMScheduler:
    """The noise schedule of Stable Diffusion, with the U-Net predicting the velocity (Salimans & Ho 2022)."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


@torch.inference_mode()
def encode(codec: AutoencoderKL, pictures: NDArray[np.uint8], batch: int = 32) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the codec's posterior for each picture, unscaled: both (n, channels, h, w)."""
    means, deviations = [], []
    for first in range(0, len(pictures), batch):
        posterior = codec.encode(to_tensor(pictures[first : first + batch])).latent_dist
        means.append(posterior.mean)
        deviations.append(posterior.std)
    return torch.cat(means).contiguous(), torch.cat(deviations).contiguous()


def prior_loss(
    unet: UNet2DConditionModel,
    latents: tuple[Tensor, Tensor],
    prompts: list[str],
    embeddings: dict[str, Tensor],
    settings: PriorSettings,
    scale: float,
) -> Loss:
    """The velocity loss of one share of a batch; some captions are dropped, for classifier-free guidance."""
    scheduler = new_scheduler()
    means, deviations = latents
    words = torch.stack([embeddings[p] for p in prompts])
    nothing = embeddings[NEGATIVE]
    count = settings.optimizer.batch // SHARES

    def loss(generator: torch.Generator) -> dict[str, Tensor]:
        chosen = torch.randint(len(means), (count,), generator=generator)
        clean = means[chosen] + deviations[chosen] * torch.randn(means[chosen].shape, generator=generator)
        clean = scale * clean
        noise = torch.randn(clean.shape, generator=generator)
        times = torch.randint(scheduler.config.num_train_timesteps, (count,), generator=generator)
        dropped = torch.rand(count, generator=generator) < settings.caption_dropout
        heard = torch.where(dropped[:, None, None], nothing, words[chosen])
        noisy = scheduler.add_noise(clean, noise, times)
        velocity = scheduler.get_velocity(clean, noise, times)
        return {"velocity": F.mse_loss(unet(noisy, times, heard).sample, velocity)}

    return loss


def _captioned_pictures(settings: RecipeSettings, work: Path) -> tuple[NDArray[np.uint8], list[str]]:
    """Phantoms of patients the codec has not seen, half without a polyp, some blurred; and a few dead leaves."""
    chosen, size = settings.prior, settings.size
    rng = np.random.default_rng(settings.seed)
    blurred = rng.random(chosen.phantoms) < chosen.blurred_share
    first = settings.codec.phantoms
    frames = [Frame(PROMPTED[i % 2], first + i, not blurred[i], size) for i in range(chosen.phantoms)]
    prompts = [prompt(PROMPTED[i % 2], "low" if blurred[i] else "high") for i in range(chosen.phantoms)]
    phantoms = draw_phantoms(frames, work, settings.workers)
    leaves = draw_leaves(settings.codec.leaves, chosen.leaves, size, work, settings.workers)
    return np.concatenate([phantoms, leaves]), prompts + [LEAVES_PROMPT] * chosen.leaves
