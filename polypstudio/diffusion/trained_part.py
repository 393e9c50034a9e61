"""What of a U-Net is trained: the parameters that are not frozen, or low-rank adapters of its attention layers (LoRA)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from polypstudio.config import LoraConfig
from polypstudio.diffusion.randomness import generator_for
from polypstudio.errors import UserError

_ADAPTER = "default"
_DOWN, _UP = f".lora_A.{_ADAPTER}.weight", f".lora_B.{_ADAPTER}.weight"
_BASE = ".base_layer"


def freeze(unet: nn.Module, frozen: Sequence[str], trainable: Sequence[str] = ()) -> None:
    """Lets only parameters be trained that match a pattern of ``trainable`` (all, if empty) and none of ``frozen``.

    A pattern is a dotted name of a part, in which ``*`` stands for anything. Raises UserError for a pattern that matches
    no parameter, and where nothing would be left.
    """
    names = [name for name, _ in unet.named_parameters()]
    for key, patterns in (("frozen", frozen), ("trainable", trainable)):
        for pattern in patterns:
            if not any(_matches(name, pattern) for name in names):
                parts = sorted({name.split(".")[0] for name in names})
                raise UserError(
                    f"{key}: no parameter of the U-Net begins with `{pattern}`; its parts are {', '.join(parts)}"
                )
    for name, parameter in unet.named_parameters():
        wanted = not trainable or any(_matches(name, pattern) for pattern in trainable)
        parameter.requires_grad_(wanted and not any(_matches(name, pattern) for pattern in frozen))
    if not any(parameter.requires_grad for parameter in unet.parameters()):
        raise UserError("the whole U-Net is frozen: leave a part to be trained")


def add_adapters(unet: UNet2DConditionModel, lora: LoraConfig, seed: tuple[int | str, ...]) -> None:
    """Adds adapters to the linear layers that ``lora`` names and :func:`freeze` left trainable; only they are trained.

    They begin without any effect, and in the same bits for the same ``seed``.
    """
    try:
        import peft
    except ImportError:
        raise UserError('training.method is "lora", which needs the package peft: `pip install peft`') from None
    layers = [
        name
        for name, layer in unet.named_modules()
        if isinstance(layer, nn.Linear) and layer.weight.requires_grad and name.endswith(lora.targets)
    ]
    if not layers:
        raise UserError(
            f"training.lora.targets: no trainable linear layer of the U-Net ends with {', '.join(lora.targets)}; such "
            "layers are to_q, to_k, to_v and to_out.0"
        )
    unet.requires_grad_(False)
    unet.add_adapter(peft.LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=layers), _ADAPTER)
    generator = generator_for(*seed, "adapters")
    for name, parameter in unet.named_parameters():
        if name.endswith(_DOWN):
            values = torch.empty(parameter.shape)
            parameter.data.copy_(nn.init.kaiming_uniform_(values, a=math.sqrt(5), generator=generator))


def merged(weights: Mapping[str, Tensor], lora: LoraConfig) -> dict[str, Tensor]:
    """The weights of a U-Net with adapters as those of a plain one: each adapter added to the layer it belongs to."""
    plain = {}
    for name, tensor in weights.items():
        if name.endswith((_DOWN, _UP)):
            continue
        layer = name.removesuffix(f"{_BASE}.weight")
        if layer != name:
            tensor = tensor + lora.alpha / lora.rank * weights[layer + _UP] @ weights[layer + _DOWN]
        plain[name.replace(f"{_BASE}.", ".")] = tensor
    return plain


def adapters(weights: Mapping[str, Tensor], lora: LoraConfig) -> dict[str, Tensor]:
    """The adapters alone, as ``StableDiffusionPipeline.load_lora_weights`` takes them (their scale within the weights)."""
    found = {}
    for name, tensor in weights.items():
        if name.endswith(_DOWN):
            found[f"unet.{name.removesuffix(_DOWN)}.lora_A.weight"] = tensor
        elif name.endswith(_UP):
            found[f"unet.{name.removesuffix(_UP)}.lora_B.weight"] = tensor * (lora.alpha / lora.rank)
    return found


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, pattern.rstrip(".") + ".*")
