"""One protocol for all encoders: centre square, common resolution, the network's input size, features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from polypstudio import processes
from polypstudio.encoders import files
from polypstudio.encoders.catalogue import TRAIN_EXTRA, Encoder, encoder_version, parse_encoder
from polypstudio.encoders.efficientnet import create_network
from polypstudio.encoders.weights import weights_file
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.store.images import centre_square, load_rgb

if TYPE_CHECKING:
    import torch

BATCH_SIZE = 16
Forward = Callable[[np.ndarray], np.ndarray]


def encode(
    name: str,
    images: Sequence[Path],
    report: Report = silent,
    *,
    resolution: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> np.ndarray:
    """Features (n, dimension) in float32 of image files, in their order: the network's pooled last layer.

    ``resolution``: the centre square of each image is first reduced to that many pixels a side, the same for real and
    synthetic images; then all are resampled to the encoder's input size. ``batch_size`` changes speed and memory only.
    Raises UserError for an unknown encoder, missing weights, and an image that cannot be read.
    """
    encoder, version = parse_encoder(name), encoder_version(name)
    if not images:
        return np.empty((0, encoder.network.dimension), np.float32)
    network = _network(encoder, version)
    mean, std = encoder.network.mean, encoder.network.std
    return extract(
        lambda pixels: forward(network, pixels, mean, std),
        name,
        images,
        report,
        encoder.input_size,
        resolution,
        batch_size,
    )


def extract(
    features_of: Forward,
    name: str,
    images: Sequence[Path],
    report: Report,
    input_size: int,
    resolution: int | None,
    batch_size: int = BATCH_SIZE,
) -> np.ndarray:
    """The protocol, for any function from pixels (n, size, size, 3) uint8 to features (n, d)."""
    parts = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        parts.append(features_of(np.stack([_input(path, input_size, resolution) for path in batch])))
        report(start + len(batch), len(images), f"features, {name}")
    return np.concatenate(parts).astype(np.float32, copy=False)


def in_shares(features_of: Callable[[Sequence[Path]], np.ndarray], images: Sequence[Path]) -> np.ndarray:
    """What ``features_of`` answers to all images, computed by the processes that work together; in each of them.

    They take whole batches in turn, so that every batch is one that a single process would make: the same bits.
    """
    if processes.count() == 1:
        return features_of(images)
    places = np.arange(len(images))
    batch = places // BATCH_SIZE
    own = places[batch % processes.count() == processes.rank()]
    parts = processes.gathered(features_of([images[place] for place in own]) if len(own) else None)
    features = np.concatenate([part for part in parts if part is not None])
    computed = np.concatenate([places[batch % processes.count() == rank] for rank in range(processes.count())])
    return features[np.argsort(computed)]


def forward(network: torch.nn.Module, pixels: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """A network's answer to pixels (n, size, size, 3) uint8."""
    import torch

    with torch.inference_mode():
        return network(normalise(torch.from_numpy(pixels), mean, std)).numpy()


def normalise(pixels: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w), scaled to [0, 1] and standardised by channel; channels last in memory."""
    import torch

    return ((pixels / 255 - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2)


def _input(path: Path, size: int, resolution: int | None) -> np.ndarray:
    """uint8 (size, size, 3)."""
    if resolution is None or resolution == size:
        return load_rgb(path, size)
    return np.asarray(centre_square(Image.fromarray(load_rgb(path, resolution)), size))


@lru_cache(maxsize=1)
def _network(encoder: Encoder, version: str) -> torch.nn.Module:
    """The network, kept for the next image set; ``version`` tells one file of weights from another."""
    try:
        import torch
    except ImportError:
        raise UserError(f"torch and timm are needed to compute features; {TRAIN_EXTRA}") from None
    network = encoder.network
    if network.weights is None:
        model = create_network(network, classes=0)
    elif network.kind == "inception":
        model = files.inception(weights_file(network.weights.name))
    else:
        model = files.dinov2(weights_file(network.weights.name), network, encoder.input_size)
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
