"""The learning rate over a stage."""

from __future__ import annotations

import math


def learning_rate(step: int, steps: int, peak: float, warm_up: int | None = None) -> float:
    """Rate of the optimizer step ``step`` (1-based) of ``steps``: a linear warm-up, then a cosine down to 0.

    The warm-up is short, a twentieth of the steps and at most 100, unless it is given.
    """
    warm_up = max(1, min(100, steps // 20)) if warm_up is None else warm_up
    if step <= warm_up:
        return peak * step / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
