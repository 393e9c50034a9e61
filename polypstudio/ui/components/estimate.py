"""What fine-tuning takes: as `polypstudio estimate` measured it, or by the speed of a logged run, or not known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from markupsafe import Markup

from polypstudio import jobs
from polypstudio.config import TrainingConfig
from polypstudio.records import Record
from polypstudio.store.atomic import read_json_lines
from polypstudio.store.paths import StudyPaths
from polypstudio.ui.components.markup import card, command_line, duration, heading, join, paragraph, table
from polypstudio.ui.context import Selection

Rows = Sequence[Mapping[str, Any]]
GIB = 2**30


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


def plan(selection: Selection, read_only: bool) -> str:
    """Time, memory and disk as far as they were measured, and the command behind the button that can be pressed."""
    paths, config = selection.paths, selection.config()
    if paths is None or config is None:
        return ""
    arguments = ["rerun", paths.name, f"{paths.name}-run-1"] if read_only else ["run", paths.name]
    command = command_line(jobs.shell_command(arguments, selection.root))
    if config.training is None:
        said = paragraph("This study imports its iterations; saving the form adds a training of its own.")
    else:
        said = _measured(paths) or _by_log(config.training, read_json_lines(paths.training_log))
    return card(heading("What it takes"), said, command)


def _measured(paths: StudyPaths) -> Markup | None:
    """What `polypstudio estimate` found last; None if it never ran."""
    try:
        found = json.loads(paths.estimate.read_bytes())
        rows = [
            [stage["name"], f"{stage['steps']:,}", f"{stage['seconds_per_step']:.2f} s", duration(stage["seconds"])]
            for stage in found["stages"]
        ]
        memory, disk = found["memory"], found["disk"]
        said = (
            f"{duration(found['seconds'])} in all on {found['device']}, of which {duration(found['encoding']['seconds'])} "
            f"to encode {found['encoding']['images']:,} images. Memory: {_gib(memory['needed_bytes'])} of "
            f"{_gib(memory['available_bytes'])}. Disk: {_gib(disk['needed_bytes'])} of {_gib(disk['free_bytes'])} free."
        )
        old = paths.estimate.stat().st_mtime < paths.config.stat().st_mtime
        parts = [table(["", "steps", "a step", "time"], rows), paragraph(said, "pst-soft")]
        parts += [paragraph(problem, "pst-warn") for problem in found["problems"]]
        parts += [paragraph("study.toml has changed since: estimate again.", "pst-warn")] if old else []
        return join(parts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _by_log(training: TrainingConfig, log: Rows) -> Markup:
    memory = peak_memory_mb(log)
    said = f"Memory: {memory / 1024:.1f} GiB at most, in the logged run." if memory else "Memory: not measured yet."
    rows = [_stage_row(stage) for stage in estimate(training, log)]
    return table(["", "images", "images/s", "time"], rows) + paragraph(
        f"{said} Estimate measures a few steps of these settings.", "pst-soft"
    )


def _stage_row(stage: StageEstimate) -> list[str]:
    speed, seconds = stage.images_per_second, stage.seconds
    return [
        stage.stage,
        f"{stage.images:,}",
        "not measured yet" if speed is None else f"{speed:.0f}",
        "" if seconds is None else duration(seconds),
    ]


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB / 10 else f"{size / 2**20:.0f} MiB"


def _speed(log: Rows, stage: str) -> float | None:
    speeds = [float(row["images_per_second"]) for row in log if row.get("stage") == stage]
    return median(speeds) if speeds else None
