"""What jobs can run on, found without torch."""

from __future__ import annotations

import os
from pathlib import Path


def devices() -> list[str]:
    """`cuda:0`, `cuda:1`, … of the GPUs that are visible to this process, then `cpu`."""
    return [*(f"cuda:{index}" for index in range(len(_gpus()))), "cpu"]


def environment(device: str) -> dict[str, str]:
    """The variables with which a process sees this device alone."""
    gpus = _gpus()
    if device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": ""} if gpus else {}
    index = int(device.removeprefix("cuda:"))
    return {"CUDA_VISIBLE_DEVICES": gpus[index] if index < len(gpus) else str(index)}


def _gpus() -> list[str]:
    """The names by which CUDA_VISIBLE_DEVICES chooses each GPU."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() and name.strip() != "-1"]
    found = sorted(int(path.name[6:]) for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit())
    return [str(number) for number in range(len(found))]
