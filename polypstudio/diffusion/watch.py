"""Whether a loss still falls: what tells a training that diverges from one whose batches differ."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

_MEMORY = 0.98  # of the running mean: about the last 50 steps
_SETTLED = 50  # steps after which the running mean is believed
_DIVERGED = 3.0  # times the lowest running mean so far
_SUSPICIOUS = 1.5


@dataclass
class LossWatch:
    """Follows the loss of a stage. Saved with its state, so that a resumed run judges as one never interrupted."""

    steps: int = 0
    mean: float = 0.0
    lowest: float = math.inf

    def add(self, loss: float) -> None:
        """Takes in the loss of one optimizer step."""
        self.steps += 1
        memory = min(_MEMORY, 1 - 1 / self.steps)  # a plain mean at first
        self.mean = memory * self.mean + (1 - memory) * loss
        if self.steps >= _SETTLED:
            self.lowest = min(self.lowest, self.mean)

    @property
    def diverged(self) -> bool:
        """The loss is not finite, or its running mean has risen far above what it was."""
        return not math.isfinite(self.mean) or self.mean > _DIVERGED * self.lowest

    @property
    def healthy(self) -> bool:
        """Whether a state saved now would be a good one to come back to."""
        return math.isfinite(self.mean) and self.mean <= _SUSPICIOUS * self.lowest

    def saved(self) -> dict[str, float | int | None]:
        """As JSON takes it, which has no infinity."""
        return asdict(self) | {"lowest": self.lowest if math.isfinite(self.lowest) else None}

    @classmethod
    def restored(cls, saved: dict[str, float | int | None]) -> LossWatch:
        """What :meth:`saved` gave; a new one where nothing was saved."""
        fields = {name: value for name, value in saved.items() if value is not None}
        return cls(**fields)  # type: ignore[arg-type]
