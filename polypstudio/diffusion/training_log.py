"""What is watched while a stage trains: loss, learning rate, speed and memory, as lines of JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import torch

from polypstudio.store.atomic import append_line, read_json_lines, write_text

_LOG_EVERY = 10


class TrainingLog:
    """``log.jsonl`` of one stage: a line every few steps with the means since the last."""

    def __init__(self, path: Path, stage: str, first: int, batch_size: int) -> None:
        """Lines of this stage after step ``first`` are of an interrupted run and will be written anew."""
        self._path, self._stage, self._batch_size = path, stage, batch_size
        self._losses: list[float] = []
        self._since = time.monotonic()
        self.summary = "starting"
        kept = [line for line in read_json_lines(path) if line["stage"] != stage or line["step"] <= first]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))

    def add(self, step: int, loss: float, rate: float) -> None:
        """Takes in one optimizer step."""
        self._losses.append(loss)
        if step % _LOG_EVERY:
            return
        now = time.monotonic()
        speed = len(self._losses) * self._batch_size / (now - self._since)
        loss = sum(self._losses) / len(self._losses)
        self.summary = f"loss {loss:.3f}, {speed:.0f} images/s"
        line = {
            "step": step,
            "stage": self._stage,
            "loss": round(loss, 6),
            "lr": rate,
            "images_per_second": round(speed, 2),
            "memory_mb": round(peak_memory_mb(), 1),
        }
        append_line(self._path, json.dumps(line))
        self._losses, self._since = [], now


def peak_memory_mb() -> float:
    """The most memory used so far, in MiB: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
