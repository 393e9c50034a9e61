"""Runs the command line as processes: a queue for each device, stop, resume, and what an earlier dashboard started.

A job is a folder (:mod:`polypstudio.store.jobs`). Queued jobs are nothing but records; while there are any, a worker,
which is a process of its own, takes them one by one and ends when none is left. So neither a running job nor the queue
needs the dashboard, and whoever looks at the queue starts the worker anew should it have died.
"""

from __future__ import annotations

from polypstudio.jobs.devices import devices
from polypstudio.jobs.queue import (
    folder_of,
    kill,
    list_jobs,
    log_tail,
    move,
    progress,
    resume,
    shell_command,
    start,
    stop,
    study_jobs,
)
from polypstudio.jobs.worker import JOB_VARIABLE, keep_going, reconcile, work

__all__ = [
    "JOB_VARIABLE",
    "devices",
    "folder_of",
    "keep_going",
    "kill",
    "list_jobs",
    "log_tail",
    "move",
    "progress",
    "reconcile",
    "resume",
    "shell_command",
    "start",
    "stop",
    "study_jobs",
    "work",
]
