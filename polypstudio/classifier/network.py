"""The classifier: a timm network with two outputs, AD and Non-AD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import timm
import torch
from timm.data import resolve_data_config
from torch import Tensor, nn

from polypstudio.encoders import NETWORKS, create_network, normalise
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES


@dataclass(frozen=True)
class Classifier:
    """``module`` maps standardised images (n, 3, h, w) to logits (n, 2) in the order of ``PATHOLOGIES``."""

    module: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pretrained: bool

    def logits(self, pixels: Tensor) -> Tensor:
        """Logits (n, 2) of images (n, h, w, 3) with values from 0 to 255."""
        return self.module(normalise(pixels, self.mean, self.std))


def create_classifier(model: str, pretrained: bool) -> Classifier:
    """``efficientnet-lite0`` with the ImageNet weights that are installed, or any timm model by its name.

    The new head is drawn from torch's global generator. Raises UserError for an unknown name, and where pretrained
    weights cannot be had.
    """
    if model in NETWORKS and NETWORKS[model].weights is None:
        network = NETWORKS[model]
        if pretrained:
            module = create_network(network, classes=len(PATHOLOGIES))
        else:
            module = timm.create_model(network.architecture, num_classes=len(PATHOLOGIES))
        return Classifier(module, network.mean, network.std, pretrained)
    if not timm.is_model(model):
        raise UserError(f"`classification.model`: timm has no model `{model}`; use `efficientnet-lite0` or a timm name")
    module = _timm_model(model, pretrained)
    expected = resolve_data_config(model=module)
    return Classifier(module, expected["mean"], expected["std"], pretrained)


def _timm_model(model: str, pretrained: bool) -> nn.Module:
    try:
        return timm.create_model(model, pretrained=pretrained, num_classes=len(PATHOLOGIES))
    except (OSError, RuntimeError) as error:  # what hub clients raise where there is no network or no such file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"`classification.model`: the pretrained weights of `{model}` cannot be had ({reason}); go online once, set "
            "`classification.pretrained = false`, or use `efficientnet-lite0`"
        ) from None


def penultimate(classifier: Classifier, pixels: np.ndarray) -> np.ndarray:
    """The features (n, d) that the head decides upon, of images (n, h, w, 3) uint8."""
    module: Any = classifier.module
    with torch.inference_mode():
        standardised = normalise(torch.from_numpy(pixels), classifier.mean, classifier.std)
        return module.forward_head(module.forward_features(standardised), pre_logits=True).numpy()
