"""Random changes of training images that leave their class alone."""

from __future__ import annotations

import torch
from torch import Tensor

BRIGHTNESS = 0.1
CONTRAST = 0.15
SATURATION = 0.15


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """One of the eight symmetries of the square and a light colour jitter for each image.

    ``images`` (n, s, s, 3) uint8 -> float32 of the same shape, 0 to 255. No hue jitter: redness is part of the class.
    """
    turned = torch.stack(
        [_turn(image, int(code)) for image, code in zip(images, _codes(images, generator), strict=True)]
    )
    return _jitter(turned.float(), generator)


def _codes(images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randint(8, (len(images),), generator=generator)


def _turn(image: Tensor, code: int) -> Tensor:
    """The symmetry number ``code``: quarter turns (code % 4), mirrored from 4 on."""
    turned = torch.rot90(image, code % 4, dims=(0, 1))
    return turned.flip(1) if code >= 4 else turned


def _jitter(images: Tensor, generator: torch.Generator) -> Tensor:
    brightness, contrast, saturation = (
        1 + width * (2 * torch.rand((len(images), 1, 1, 1), generator=generator) - 1)
        for width in (BRIGHTNESS, CONTRAST, SATURATION)
    )
    grey = images.mean(dim=3, keepdim=True)
    images = grey + saturation * (images - grey)
    mean = grey.mean(dim=(1, 2), keepdim=True)
    return (mean + contrast * (images - mean)).mul_(brightness).clamp_(0, 255)
