"""Refusing what cannot fit, with what would. No torch here."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from polypstudio.config import TrainingConfig
from polypstudio.diffusion.base import base_fingerprint
from polypstudio.errors import UserError
from polypstudio.store.paths import StudyPaths

_GIB = 2**30


def refuse_what_cannot_fit(study: StudyPaths, training: TrainingConfig, disk: int) -> None:
    """UserError where these settings were measured not to fit into memory, or the disk cannot hold what will be written."""
    problems = disk_problem(training, disk, free_bytes(study.root))
    try:
        found = json.loads(study.estimate.read_bytes())
    except (OSError, ValueError):
        found = {}
    if found.get("fingerprint") == settings_fingerprint(training):
        again = f" (measured {found['created']}; `polypstudio estimate {study.name}` measures anew)"
        problems += [problem + again for problem in found["problems"] if problem.startswith("memory")]
    if problems:
        raise UserError("; ".join(problems))


def settings_fingerprint(training: TrainingConfig) -> str:
    """Hash of what decides how much a step takes."""
    text = training.model_dump_json() + base_fingerprint(training.base)
    return hashlib.sha256(text.encode()).hexdigest()


def disk_problem(training: TrainingConfig, needed: int, free: int) -> list[str]:
    """The line that says why it does not fit on the disk, and what would; none where it does."""
    if needed <= free:
        return []
    return [
        f"disk: {gib(needed)} are needed for {len(training.checkpoints)} iterations, their samples, the latents and the "
        f"resumable state, {gib(free)} are free: free some, or take a larger checkpoint_every in stage "
        f"{training.stages[-1].name}"
    ]


def free_bytes(path: Path) -> int:
    """What is free on the disk that a folder is on, or will be."""
    return shutil.disk_usage(path).free if path.exists() else free_bytes(path.parent)


def gib(size: float) -> str:
    """A size as a person reads it."""
    return f"{size / _GIB:.1f} GiB" if size >= _GIB / 10 else f"{size / 2**20:.1f} MiB"
