"""From nothing to a folder that `StableDiffusionPipeline.from_pretrained` opens: draw, train, assemble, judge."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from numpy.typing import NDArray
from transformers import CLIPTextModel, CLIPTokenizer

from polypstudio.data.prompts import NEGATIVE, all_prompts
from polypstudio.diffusion.recipe.codec import LABELS, to_tensor, train_codec
from polypstudio.diffusion.recipe.pictures import Frame, draw_leaves, draw_phantoms
from polypstudio.diffusion.recipe.prior import LEAVES_PROMPT, encode, new_scheduler, train_prior
from polypstudio.diffusion.recipe.settings import RecipeSettings
from polypstudio.diffusion.recipe.text import embed, new_text_encoder, new_tokenizer
from polypstudio.errors import UserError
from polypstudio.progress import Report
from polypstudio.store.atomic import new_folder, write_json

JUDGED = 64
PACKAGES = ("torch", "diffusers", "transformers", "timm", "numpy")


def build_tiny_base(output: Path, work: Path, settings: RecipeSettings, report: Report) -> None:
    """Make the tiny Stable Diffusion and write it to the folder `output` with `recipe.json`, its birth certificate.

    Pictures and the states of the trainings are kept in `work`; another call with the same settings takes them up
    where they were left. Raises UserError where `work` was begun with other settings.
    """
    _claim(work, settings)
    torch.set_num_threads(1)  # `train` uses the other cores: one thread for each share of a batch
    codec, codec_seconds = train_codec(settings, work, report)
    judged = _unseen_pictures(settings, work)
    codec.register_to_config(scaling_factor=_scaling_factor(codec, judged["phantom"]))

    tokenizer = new_tokenizer([*all_prompts(), LEAVES_PROMPT], settings.text.length)
    text_encoder = new_text_encoder(tokenizer, settings.text, settings.seed)
    prompts = [*all_prompts(), LEAVES_PROMPT, NEGATIVE]
    embeddings = dict(zip(prompts, embed(prompts, tokenizer, text_encoder), strict=True))
    unet, unet_seconds = train_prior(codec, embeddings, settings, work, report)

    recipe = {
        "settings": asdict(settings),
        "seconds": {"codec": round(codec_seconds), "prior": round(unet_seconds)},
        "parameters": {"codec": codec.num_parameters(), "unet": unet.num_parameters()},
        "tokens": len(tokenizer),
        "reconstruction_psnr_db": {name: round(psnr(codec, pictures), 2) for name, pictures in judged.items()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    save_folder(output, codec, text_encoder, tokenizer, unet, recipe)


def _claim(work: Path, settings: RecipeSettings) -> None:
    """Write down whose `work` this is, so that no training is taken up under other settings."""
    claim, wanted = work / "settings.json", json.loads(json.dumps(asdict(settings)))
    if not claim.exists():
        write_json(claim, wanted)
    elif json.loads(claim.read_text()) != wanted:
        raise UserError(
            f"{claim}: this training was begun with other settings; choose another folder, or delete this one"
        )


def save_folder(
    output: Path,
    codec: AutoencoderKL,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    unet: UNet2DConditionModel,
    recipe: dict[str, Any],
) -> None:
    """Write a Stable Diffusion folder whole or not at all: codec and U-Net in half precision, no safety checker."""
    pipeline = StableDiffusionPipeline(
        vae=codec.half(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet.half(),
        scheduler=DPMSolverMultistepScheduler.from_config(new_scheduler().config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    with new_folder(output) as folder:
        pipeline.save_pretrained(folder)
        write_json(folder / "recipe.json", recipe)


@torch.inference_mode()
def reconstruct(codec: AutoencoderKL, pictures: NDArray[np.uint8], batch: int = 32) -> NDArray[np.uint8]:
    """Pictures (n, h, w, 3) through the codec and back, by the mean of its posterior."""
    parts = []
    for first in range(0, len(pictures), batch):
        latents = codec.encode(to_tensor(pictures[first : first + batch])).latent_dist.mean
        decoded = (codec.decode(latents).sample.clamp(-1, 1) + 1) * 127.5
        parts.append(decoded.round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def psnr(codec: AutoencoderKL, pictures: NDArray[np.uint8]) -> float:
    """Mean over pictures of the peak signal-to-noise ratio of their reconstructions, in dB."""
    error = (reconstruct(codec, pictures).astype(float) - pictures) / 255
    return float(np.mean(-10 * np.log10((error**2).mean(axis=(1, 2, 3)))))


def _scaling_factor(codec: AutoencoderKL, pictures: NDArray[np.uint8]) -> float:
    """One over the standard deviation of the latents, as in Rombach et al. 2022."""
    means, deviations = encode(codec, pictures)
    return round(float(1 / (means.var() + (deviations**2).mean()).sqrt()), 5)


def _unseen_pictures(settings: RecipeSettings, work: Path) -> dict[str, NDArray[np.uint8]]:
    """Pictures of either sort beyond those of both trainings."""
    patients = settings.codec.phantoms + settings.prior.phantoms
    frames = [Frame(LABELS[i % len(LABELS)], patients + i, True, settings.size) for i in range(JUDGED)]
    first_leaf = settings.codec.leaves + settings.prior.leaves
    return {
        "phantom": draw_phantoms(frames, work, settings.workers),
        "dead_leaves": draw_leaves(first_leaf, JUDGED, settings.size, work, settings.workers),
    }
