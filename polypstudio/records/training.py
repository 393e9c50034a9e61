"""What is watched while a study trains."""

from __future__ import annotations

from polypstudio.records.base import Pathology, Record


class HeldOutLoss(Record):
    """The loss of one class's held-out images at a checkpoint, at fixed noise and timesteps."""

    stage: str
    step: int
    label: Pathology
    loss: float
