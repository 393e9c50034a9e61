"""Exponential moving average of the weights that are trained."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Ema:
    """Follows ``parameters``; :attr:`averages` has one tensor for each, in the same order."""

    def __init__(self, parameters: Sequence[Tensor], decay: float) -> None:
        self._parameters = list(parameters)  # themselves: wrappers of a model may give them other memory later on
        self.averages = [parameter.detach().clone() for parameter in self._parameters]
        self.decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after optimizer step ``step`` (1-based).

        The decay grows from (1 + step) / (10 + step), so that a short run is not held back by where it began.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.averages, self._parameters, 1 - decay)
