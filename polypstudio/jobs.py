"""Runs the command line as processes: start, stop, and find again what an earlier dashboard started."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from polypstudio.errors import UserError
from polypstudio.records import Job, Progress
from polypstudio.store.jobs import JobFolder, job_folders
from polypstudio.store.paths import StudyPaths

JOB_VARIABLE = "POLYPSTUDIO_JOB"


def start(root: Path, study_name: str, command: Sequence[str], title: str) -> Job:
    """Starts ``polypstudio <command>`` as a process of its own, which outlives the caller.

    The process waits its turn for the machine (state ``queued``) and writes its own state from then on.
    Raises UserError if the study has a job that waits or runs already.
    """
    study = StudyPaths(root / study_name)
    for other in study_jobs(root, study_name):
        if other.state in ("queued", "running"):
            raise UserError(f"{study_name}: `{other.title}` is {other.state} already; wait for it, or stop it first")
    identity = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
    folder = JobFolder(study.jobs / identity)
    folder.path.mkdir(parents=True)
    job = Job(id=identity, command=list(command), title=title, study=study_name, state="queued", created=time.time())
    folder.write(job)
    with open(folder.log, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "polypstudio", *command, "--root", str(root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, JOB_VARIABLE: str(folder.path)},
        )
    threading.Thread(target=process.wait, daemon=True).start()  # reaps it: a zombie would look alive
    return job


def shell_command(command: Sequence[str], root: Path | None = None) -> str:
    """The same step as somebody would type it."""
    suffix = ["--root", str(root)] if root is not None else []
    return shlex.join(["polypstudio", *command, *suffix])


def study_jobs(root: Path, study_name: str) -> list[Job]:
    """The jobs of a study, newest first."""
    return [folder.read() for folder in reversed(job_folders(StudyPaths(root / study_name).jobs))]


def list_jobs(root: Path) -> list[Job]:
    """The jobs of all studies under ``root``, newest first."""
    jobs = [folder.read() for study in root.glob("*/jobs") for folder in job_folders(study)]
    return sorted(jobs, key=lambda job: job.created, reverse=True)


def folder_of(root: Path, job: Job) -> JobFolder:
    """Where a job lies."""
    return JobFolder(StudyPaths(root / job.study).jobs / job.id)


def progress(root: Path, job: Job) -> Progress | None:
    """How far the job is."""
    return folder_of(root, job).progress()


def log_tail(root: Path, job: Job, lines: int = 40) -> str:
    """The end of what the job printed."""
    return folder_of(root, job).log_tail(lines)


def stop(root: Path, job: Job) -> None:
    """Asks the job to save and end. Nothing happens if it has ended."""
    _signal(root, job, signal.SIGTERM)


def kill(root: Path, job: Job) -> None:
    """Ends the job at once, with its children; what it had saved stays."""
    _signal(root, job, signal.SIGKILL)


def _signal(root: Path, job: Job, number: signal.Signals) -> None:
    current = folder_of(root, job).read()
    if current.state in ("queued", "running") and current.pid is not None:
        target = os.killpg if number is signal.SIGKILL else os.kill
        try:
            target(current.pid, number)
        except ProcessLookupError:
            return
