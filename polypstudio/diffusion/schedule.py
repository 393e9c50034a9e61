"""The learning rate over a stage."""

from __future__ import annotations

import math


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Rate of the optimizer step ``step`` (1-based) of ``steps``: a short linear warm-up, then a cosine down to 0."""
    warm_up = max(1, min(100, steps // 20))
    if step <= warm_up:
        return peak * step / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
