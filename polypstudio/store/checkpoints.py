"""What lies beside the weights of a checkpoint: how they came to be, and what was measured of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polypstudio.records import PATHOLOGIES, HeldOutLoss, Pathology
from polypstudio.store.paths import StudyPaths

CHECKPOINT_RECORD = "training.json"


def checkpoint_record(unet: Path) -> dict[str, Any]:
    """What was written beside a checkpoint's weights; {} where there is none (not trained here)."""
    try:
        return json.loads((unet / CHECKPOINT_RECORD).read_bytes())
    except (OSError, ValueError):
        return {}


def class_losses(record: Mapping[str, Any]) -> dict[Pathology, float]:
    """The held-out losses in a checkpoint's record, or in the manifest that repeats it; {} where none was measured."""
    return {label: record[f"held_out_loss_{label}"] for label in PATHOLOGIES if f"held_out_loss_{label}" in record}


def held_out_losses(study: StudyPaths) -> list[HeldOutLoss]:
    """The held-out losses of all checkpoints: those that earlier stages still have, then the iterations'."""
    folders = [*sorted(study.training.glob("*/unet*")), *sorted(study.iterations.glob("[0-9]*/unet"))]
    records = [record for record in map(checkpoint_record, folders) if "stage" in record]
    return [
        HeldOutLoss(stage=record["stage"], step=record["step"], label=label, loss=loss)
        for record in records
        for label, loss in class_losses(record).items()
    ]
