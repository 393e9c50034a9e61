"""The tiny codec: a standard AutoencoderKL trained to keep what the offline encoder sees, not pixels alone.

Pixel losses alone reach a good PSNR with blurred pictures; comparing the early feature maps of a frozen EfficientNet
(after Johnson et al. 2016) keeps edges and texture. Such features care little for colour, so a second phase adds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor, nn

from polypstudio.diffusion.recipe.pictures import Frame, draw_leaves, draw_phantoms
from polypstudio.diffusion.recipe.settings import CodecPhase, CodecSettings, RecipeSettings
from polypstudio.diffusion.recipe.training import SHARES, Loss, train
from polypstudio.encoders import NETWORKS, create_network
from polypstudio.progress import Report

LABELS = ("ad", "non_ad", "unlabelled", "non_polyp")


def train_codec(settings: RecipeSettings, work: Path, report: Report) -> tuple[AutoencoderKL, float]:
    """Train the codec, or take up its training in `work`; returns it with the wall-clock seconds spent."""
    chosen = settings.codec
    leaves = draw_leaves(0, chosen.leaves, settings.size, work, settings.workers)
    frames = [Frame(LABELS[i % 4], i, i % 16 < 12, settings.size) for i in range(chosen.phantoms)]
    phantoms = draw_phantoms(frames, work, settings.workers)
    codec = new_codec(chosen, settings.size, settings.seed)
    features = PerceptualFeatures()
    seconds = 0.0
    for number, phase in enumerate(chosen.phases):
        loss = codec_loss(codec, leaves, phantoms, phase, features)
        seconds += train(codec, loss, phase.optimizer, settings.seed + number, work / f"codec-{phase.name}", report)
    return codec.eval(), seconds


def new_codec(settings: CodecSettings, size: int, seed: int) -> AutoencoderKL:
    """An untrained codec that halves the side of a picture at each level but the last."""
    torch.manual_seed(seed)
    levels = len(settings.channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=settings.channels,
        layers_per_block=1,
        latent_channels=settings.latent_channels,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=size,
    ).to(memory_format=torch.channels_last)  # type: ignore[no-any-return]


class PerceptualFeatures(nn.Module):
    """The first four feature maps of EfficientNet-lite0, frozen; takes pictures (n, 3, h, w) in [-1, 1]."""

    network: Any
    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        source = NETWORKS["efficientnet-lite0"]
        self.network = create_network(source, classes=0)
        self.register_buffer("mean", torch.tensor(source.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(source.std)[:, None, None])
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        standardised = ((pictures + 1) / 2 - self.mean) / self.std
        return self.network.forward_intermediates(
            standardised, indices=[0, 1, 2, 3], intermediates_only=True, stop_early=True
        )


def codec_loss(
    codec: AutoencoderKL,
    leaves: NDArray[np.uint8],
    phantoms: NDArray[np.uint8],
    phase: CodecPhase,
    features: nn.Module,
) -> Loss:
    """The loss of one step on a random batch of both sorts of pictures, drawn in proportion to their numbers."""
    total, weights = len(leaves) + len(phantoms), phase.weights

    def loss(generator: torch.Generator) -> dict[str, Tensor]:
        chosen = torch.randint(total, (phase.optimizer.batch // SHARES,), generator=generator).tolist()
        batch = np.stack([leaves[i] if i < len(leaves) else phantoms[i - len(leaves)] for i in chosen])
        target = turned(to_tensor(batch), generator)
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            posterior = codec.encode(target).latent_dist
            noise = torch.randn(posterior.mean.shape, generator=generator)
            output = codec.decode(posterior.mean + posterior.std * noise).sample
            seen = features(output)
            with torch.no_grad():
                wanted = features(target)
        output = output.float()
        return {
            "l1": F.l1_loss(output, target),
            "mse": weights.mse * F.mse_loss(output, target),
            "features": weights.features * sum(map(_relative_l1, seen, wanted), torch.zeros(())),
            "statistics": weights.statistics * F.l1_loss(colour_statistics(output), colour_statistics(target)),
            "chroma": weights.chroma * F.l1_loss(chroma(output), chroma(target)),
            "kl": weights.kl * posterior.kl().float().mean(),
        }

    return loss


def to_tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (n, h, w, 3) in 0..255 as a channels-last tensor (n, 3, h, w) in [-1, 1]."""
    return torch.tensor(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def turned(batch: Tensor, generator: torch.Generator) -> Tensor:
    """The batch flipped and transposed at random, all pictures alike."""
    flip_rows, flip_columns, transpose = (torch.rand(3, generator=generator) < 0.5).tolist()
    dims = [d for d, flip in ((2, flip_rows), (3, flip_columns)) if flip]
    batch = batch.flip(dims) if dims else batch
    batch = batch.transpose(2, 3) if transpose else batch
    return batch.contiguous(memory_format=torch.channels_last)


def colour_statistics(pictures: Tensor) -> Tensor:
    """Mean and standard deviation of each channel of each picture: (n, 6)."""
    return torch.cat([pictures.mean((2, 3)), pictures.std((2, 3))], dim=1)


def chroma(pictures: Tensor) -> Tensor:
    """Red and blue against green, averaged over cells of 4 x 4 pixels: (n, 2, h / 4, w / 4)."""
    red, green, blue = pictures.unbind(1)
    return F.avg_pool2d(torch.stack([red - green, blue - green], dim=1), 4)


def _relative_l1(seen: Tensor, wanted: Tensor) -> Tensor:
    """L1 between two feature maps as a share of their size, so that no map outweighs the others."""
    return F.l1_loss(seen.float(), wanted.float()) / wanted.float().abs().mean()
