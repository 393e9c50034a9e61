"""What is watched while a stage trains: loss, learning rate, speed and memory, as lines of JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

import torch

from polypstudio import processes
from polypstudio.config import TrainingConfig
from polypstudio.errors import UserError
from polypstudio.store.atomic import append_line, read_json_lines, write_text
from polypstudio.store.paths import StudyPaths

_LOG_EVERY = 10


class TrainingLog:
    """``log.jsonl`` of one stage: a line every few steps with the means since the last. The main process writes."""

    def __init__(self, study: StudyPaths, stage: str, first: int, training: TrainingConfig) -> None:
        """Lines of this stage after step ``first`` are of an interrupted run and will be written anew."""
        self._path, self._stage, self._batch_size = study.training_log, stage, training.images_per_step
        self._losses: list[float] = []
        self._since = time.monotonic()
        self._writer = None
        self.summary = "starting"
        if processes.is_main():
            kept = [line for line in read_json_lines(self._path) if line["stage"] != stage or line["step"] <= first]
            write_text(self._path, "".join(json.dumps(line) + "\n" for line in kept))
            self._writer = _tensorboard(study, stage, first) if training.tensorboard else None

    def add(self, step: int, loss: float, rate: float) -> None:
        """Takes in one optimizer step."""
        self._losses.append(loss)
        if step % _LOG_EVERY:
            return
        now = time.monotonic()
        speed = len(self._losses) * self._batch_size / (now - self._since)
        loss = sum(self._losses) / len(self._losses)
        self.summary = f"loss {loss:.3f}, {speed:.0f} images/s"
        values = {
            "loss": round(loss, 6),
            "lr": rate,
            "images_per_second": round(speed, 2),
            "memory_mb": round(peak_memory_mb(), 1),
        }
        if processes.is_main():
            append_line(self._path, json.dumps({"step": step, "stage": self._stage, **values}))
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
        self._losses, self._since = [], now

    def close(self) -> None:
        """Flushes what is written for TensorBoard."""
        if self._writer is not None:
            self._writer.close()


def peak_memory_mb() -> float:
    """The most memory used so far, in MiB: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _tensorboard(study: StudyPaths, stage: str, first: int):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError("training.tensorboard needs the package tensorboard: `pip install tensorboard`") from None
    return SummaryWriter(str(study.tensorboard / stage), purge_step=first + 1)
