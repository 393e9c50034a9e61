"""Networks whose weights are a file that the user has put into the folder of weights."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polypstudio.encoders.catalogue import ENCODERS_EXTRA, TRAIN_EXTRA, Network
from polypstudio.errors import UserError

if TYPE_CHECKING:
    import torch


def inception(path: Path) -> torch.nn.Module:
    """The FID Inception of 2015 as torch-fidelity has it: (n, 3, 299, 299) standardised -> its pooled features (n, 2048)."""
    import torch

    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise UserError(f"torch-fidelity is needed for the encoder `inception`; {ENCODERS_EXTRA}") from None
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)  # tensors only: torch-fidelity would unpickle
        tensors = io.BytesIO()
        torch.save(weights, tensors)
        tensors.seek(0)
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=tensors)
    except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError) as error:
        raise _unfit(path, error) from None

    class Pooled(torch.nn.Module):
        """From standardised pixels back to the 8 bits that the network takes, which standardises by itself."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, standardised: torch.Tensor) -> torch.Tensor:
            return self.network((standardised * 128 + 128).round().to(torch.uint8))[0]

    return Pooled()


def dinov2(path: Path, network: Network, input_size: int) -> torch.nn.Module:
    """DINOv2 by timm: its class token. Positions learnt at 518 px are resampled to the input size, as timm does it."""
    try:
        import timm
        from safetensors import SafetensorError
    except ImportError:
        raise UserError(f"torch and timm are needed to compute features; {TRAIN_EXTRA}") from None
    overlay = {"file": str(path), "hf_hub_id": None, "url": ""}
    try:
        model: Any = timm.create_model(
            network.architecture, pretrained=True, pretrained_cfg_overlay=overlay, img_size=input_size, num_classes=0
        )
    except (RuntimeError, SafetensorError, KeyError) as error:
        raise _unfit(path, error) from None
    return model


def _unfit(path: Path, error: Exception) -> UserError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError(f"{path}: not the weights that this encoder needs ({reason}); get the file again")
