"""The queue as its user handles it: put in, reorder, stop, kill, resume, look."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from polypstudio.errors import UserError
from polypstudio.jobs.devices import devices
from polypstudio.jobs.worker import keep_going
from polypstudio.records import Job, Progress
from polypstudio.store.jobs import JobFolder, here, job_folders, process_start, queue_of
from polypstudio.store.locks import is_held, waiting
from polypstudio.store.paths import StudyPaths, queue_lock

ACTIVE = ("queued", "running")
FROZEN = ("train", "sample", "evaluate", "classify", "run", "rerun")  # verbs that take --config


def start(root: Path, study_name: str, command: Sequence[str], title: str, device: str | None = None) -> Job:
    """Puts ``polypstudio <command>`` into the queue of a device, with the study's configuration as it is now.

    The job outlives the caller. Raises UserError if the study has a job that waits or runs already, or is being worked
    on by a process that was started otherwise.
    """
    device = device or devices()[0]
    if device not in devices():
        raise UserError(f"no device {device}; there are {', '.join(devices())}")
    study = StudyPaths(root / study_name)
    with waiting(queue_lock(root)):
        _refuse_a_second_job(root, study)
        identity = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
        folder = JobFolder(study.jobs / identity)
        folder.path.mkdir(parents=True)
        frozen = StudyPaths(root / command[1]).config if command[0] in FROZEN else None
        if frozen is not None and frozen.is_file():
            shutil.copyfile(frozen, folder.config)
            command = [*command, "--config", str(folder.config)]
        now = time.time()
        job = Job(
            id=identity,
            command=list(command),
            title=title,
            study=study_name,
            state="queued",
            created=now,
            position=now,
            device=device,
        )
        folder.write(job)
    keep_going(root, device)
    return job


def resume(root: Path, job: Job) -> Job:
    """Puts a job that was stopped, failed or died back into the queue, with the configuration it had.

    Raises UserError as :func:`start` does, and where the job has not ended or is done.
    """
    folder = folder_of(root, job)
    with waiting(queue_lock(root)):
        current = folder.read()
        if current.state in ACTIVE or current.state == "done":
            raise UserError(f"{job.study}: `{job.title}` is {current.state}; there is nothing to resume")
        _refuse_a_second_job(root, StudyPaths(root / job.study))
        folder.forget_request()
        again = folder.write(
            current.model_copy(
                update={
                    "state": "queued",
                    "position": time.time(),
                    "started": None,
                    "ended": None,
                    "pid": None,
                    "pid_started": None,
                    "machine": None,
                    "exit_status": None,
                    "message": "",
                }
            )
        )
    keep_going(root, job.device)
    return again


def move(root: Path, job: Job, places: int) -> None:
    """Moves a queued job up (-1) or down (1) in the queue of its device; at the end of the queue nothing happens."""
    with waiting(queue_lock(root)):
        queue = queue_of(root, job.device)
        at = next((number for number, folder in enumerate(queue) if folder.path.name == job.id), None)
        if at is None or not 0 <= at + places < len(queue):
            return
        one, other = queue[at], queue[at + places]
        mine, theirs = one.read().position, other.read().position
        one.update(position=theirs)
        other.update(position=mine)


def stop(root: Path, job: Job) -> None:
    """Asks a running job to save and end, and takes a queued one out. Nothing happens if it has ended."""
    _end(root, job, "stop")


def kill(root: Path, job: Job) -> None:
    """Ends the job at once, with its children; what it had saved stays."""
    _end(root, job, "kill")


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


def shell_command(command: Sequence[str], root: Path | None = None) -> str:
    """The same step as somebody would type it."""
    suffix = ["--root", str(root)] if root is not None else []
    return shlex.join(["polypstudio", *command, *suffix])


def _refuse_a_second_job(root: Path, study: StudyPaths) -> None:
    for other in study_jobs(root, study.name):
        if other.state in ACTIVE:
            raise UserError(f"{study.name}: `{other.title}` is {other.state} already; wait for it, or stop it first")
    if is_held(study.lock):
        raise UserError(
            f"{study.name} is being worked on by a process that was started in a shell; wait for it, or stop it there"
        )


def _end(root: Path, job: Job, request: str) -> None:
    folder = folder_of(root, job)
    with waiting(queue_lock(root)):
        current = folder.read()
        if current.state == "queued":
            folder.update(state="stopped", ended=time.time(), message="taken out of the queue before it began")
            return
        if current.state != "running":
            return
        folder.request(request)
    if request == "kill" and current.pid and current.machine == here() and process_start(current.pid):
        try:
            os.killpg(current.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
