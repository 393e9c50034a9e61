"""How long fine-tuning takes and what memory it needs: from what was measured, or said to be unmeasured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from polypstudio.config import TrainingConfig
from polypstudio.records import Record

Rows = Sequence[Mapping[str, Any]]


class StageEstimate(Record):
    """One stage: images to train on, and the seconds at the measured speed (None: not measured)."""

    stage: str
    images: int
    images_per_second: float | None

    @property
    def seconds(self) -> float | None:
        return self.images / self.images_per_second if self.images_per_second else None


def estimate(training: TrainingConfig, log: Rows) -> list[StageEstimate]:
    """All stages at their median logged throughput; a stage never run takes another stage's."""
    batch = training.images_per_step
    steps = {stage.name: stage.steps for stage in training.stages}
    measured = {stage: _speed(log, stage) for stage in steps}
    either = next((speed for speed in measured.values() if speed), None)
    return [
        StageEstimate(stage=stage, images=steps[stage] * batch, images_per_second=measured[stage] or either)
        for stage in steps
    ]


def peak_memory_mb(log: Rows) -> float | None:
    """The most memory that a logged run used, in MiB."""
    return max((float(row["memory_mb"]) for row in log if row.get("memory_mb")), default=None)


def _speed(log: Rows, stage: str) -> float | None:
    speeds = [float(row["images_per_second"]) for row in log if row.get("stage") == stage]
    return median(speeds) if speeds else None
