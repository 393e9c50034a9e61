"""What the U-Net is trained on, computed once: VAE latents of the images and text embeddings of the prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from polypstudio.data.images import load_rgb
from polypstudio.diffusion.base import Base
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.store.atomic import new_file
from polypstudio.store.paths import StudyPaths

_VERSION = 1
_BATCH = 8


@dataclass(frozen=True)
class Latents:
    """The VAE's posterior of n images and of their mirror images, before the VAE's scaling.

    ``mean`` and ``std`` have shape (n, 2, channels, height, width); index 1 of the second axis is the mirror image.
    Kept in half precision and mapped from disk: a batch becomes float32 when it is drawn.
    """

    mean: Tensor
    std: Tensor


def cached_latents(
    study: StudyPaths,
    base: Base,
    base_hash: str,
    files: Sequence[Path],
    hashes: Sequence[str],
    resolution: int,
    device: torch.device,
    report: Report = silent,
) -> Latents:
    """The latents of ``files``, whose contents have ``hashes``; encoded and stored in the study where they are not yet.

    Other latents in the cache, of other images or another base, are removed.
    """
    path = study.latents(_key(base_hash, resolution, hashes))
    stored = _load(path)
    if stored is None:
        stored = _encode(base, files, resolution, device, report)
        for outdated in study.training.glob(study.latents("*").name):
            outdated.unlink()
        with new_file(path) as temporary:
            save_file(stored, temporary)
    return Latents(stored["mean"], stored["std"])


def vae_factor(vae: AutoencoderKL) -> int:
    """How many pixels a side one latent stands for."""
    return 2 ** (len(vae.config.block_out_channels) - 1)


def check_resolution(vae: AutoencoderKL, resolution: int) -> None:
    """UserError where the VAE cannot halve the resolution as often as it has to."""
    factor = vae_factor(vae)
    if resolution % factor:
        nearest = max(1, round(resolution / factor)) * factor
        raise UserError(
            f"training.resolution is {resolution}: this base model needs a multiple of {factor}, such as {nearest}"
        )


def pixel_batches(files: Sequence[Path], resolution: int, device: torch.device) -> Iterator[Tensor]:
    """The images in order, as batches (b, 3, resolution, resolution), float32 in [-1, 1], channels last."""
    for start in range(0, len(files), _BATCH):
        batch = np.stack([load_rgb(file, resolution) for file in files[start : start + _BATCH]])
        yield torch.from_numpy(batch).to(device).permute(0, 3, 1, 2).float().div(127.5).sub(1)


@torch.inference_mode()
def prompt_embeddings(base: Base, prompts: Sequence[str], device: torch.device) -> Tensor:
    """Text embeddings (n, tokens, width) of the prompts, as the U-Net's cross-attention takes them, on ``device``."""
    tokenizer, encoder = base.tokenizer(), base.text_encoder().to(device)
    length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
    tokens = tokenizer(list(prompts), padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    return encoder(tokens.input_ids.to(device))[0]


@torch.inference_mode()
def _encode(
    base: Base, files: Sequence[Path], resolution: int, device: torch.device, report: Report
) -> dict[str, Tensor]:
    vae = base.vae().to(device, memory_format=torch.channels_last)
    check_resolution(vae, resolution)
    side = resolution // vae_factor(vae)
    shape = (len(files), 2, vae.config.latent_channels, side, side)
    latents = {name: torch.empty(shape, dtype=torch.float16) for name in ("mean", "std")}
    done = 0
    for pixels in pixel_batches(files, resolution, device):
        for mirrored, batch in enumerate((pixels, pixels.flip(3))):
            posterior = vae.encode(batch).latent_dist
            rows = slice(done, done + len(batch))
            latents["mean"][rows, mirrored] = posterior.mean.half().cpu()
            latents["std"][rows, mirrored] = posterior.std.half().cpu()
        done += len(pixels)
        report(done, len(files), "encoding the images")
    return latents


def _key(base_hash: str, resolution: int, hashes: Sequence[str]) -> str:
    content = "\n".join([str(_VERSION), base_hash, str(resolution), *hashes])
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _load(path: Path) -> dict[str, Tensor] | None:
    if not path.is_file():
        return None
    try:
        return load_file(path)
    except (SafetensorError, OSError):
        return None
