"""Steps that run as processes of their own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from polypstudio.records.base import Record


class Progress(Record):
    """One line of a job's ``progress.jsonl``."""

    step: str
    done: float
    total: float
    message: str = ""
    time: float = 0.0


class Job(Record):
    """``jobs/<id>/job.json``: a step that waits for a device, runs as a process of its own, or ended."""

    id: str
    command: list[str] = Field(description="arguments after `polypstudio`, as a shell would take them")
    title: str
    study: str
    state: Literal["queued", "running", "done", "failed", "stopped", "died"]
    created: float
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    pid_started: float | None = None
    exit_status: int | None = None
    message: str = ""
    device: str = "cpu"
    position: float = Field(0.0, description="order in the queue of its device")
    machine: str | None = Field(None, description="where its pid means something: see polypstudio.store.jobs.here")
