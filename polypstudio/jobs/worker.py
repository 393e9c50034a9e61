"""The process that takes the jobs of one device one by one, and how it is kept alive while there are any."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from polypstudio.jobs.devices import environment
from polypstudio.store.jobs import JobFolder, job_folders, queue_of
from polypstudio.store.locks import try_lock, waiting
from polypstudio.store.paths import queue_lock, worker_lock, worker_log

JOB_VARIABLE = "POLYPSTUDIO_JOB"
SECONDS_BETWEEN_LOOKS = 1.0
_PROGRAM = (sys.executable, "-m", "polypstudio")


def keep_going(root: Path, device: str | None = None) -> None:
    """Starts a worker for each device (or this one) that has jobs waiting and no worker."""
    waiting_for = {folder.read().device for folder in queue_of(root, device)}
    for name in sorted(waiting_for):
        held = try_lock(worker_lock(root, name))
        if held is None:
            continue
        try:  # the worker inherits the lock: from here on it is held until that process ends
            with open(worker_log(root, name), "wb") as log:
                process = subprocess.Popen(
                    [*_PROGRAM, "work", "--root", str(root), "--device", name, "--lock", str(held)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(held,),
                    env={key: value for key, value in os.environ.items() if key != JOB_VARIABLE},
                )
        finally:
            os.close(held)
        threading.Thread(target=process.wait, daemon=True).start()  # reaps it


def reconcile(root: Path) -> None:
    """At start-up: writes down which jobs died while nobody looked, and goes on with the queues."""
    with waiting(queue_lock(root)):
        for study in root.glob("*/jobs"):
            for folder in job_folders(study):
                folder.settle()
    keep_going(root)


def work(root: Path, device: str, lock: int | None = None) -> int:
    """Runs the jobs of a device until none is left; returns how many. ``lock``: the worker's lock, if it is held.

    Ends at once, having run nothing, where another worker has the device.
    """
    count = 0
    held = lock if lock is not None else try_lock(worker_lock(root, device))
    while held is not None:
        while (folder := _next(root, device)) is not None:
            _run(root, device, folder)
            count += 1
        os.close(held)
        # A job may have come between the last look and the release; its starter then thought this worker alive.
        held = try_lock(worker_lock(root, device)) if queue_of(root, device) else None
    return count


def _next(root: Path, device: str) -> JobFolder | None:
    """Takes the first job out of the queue, once no job of a worker that died runs on the device any more."""
    while True:
        with waiting(queue_lock(root)):
            if not _is_busy(root, device):
                queue = queue_of(root, device)
                if queue:
                    queue[0].update(state="running", started=time.time())
                return queue[0] if queue else None
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _is_busy(root: Path, device: str) -> bool:
    jobs = (folder.read() for study in root.glob("*/jobs") for folder in job_folders(study))
    return any(job.state == "running" and job.device == device for job in jobs)


def _run(root: Path, device: str, folder: JobFolder) -> None:
    """Runs a job as a process of its own, and writes down its end should it not have done so itself."""
    job = folder.read()
    with open(folder.log, "ab") as log:
        process = subprocess.Popen(
            [*_PROGRAM, *job.command, "--root", str(root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **environment(device), JOB_VARIABLE: str(folder.path)},
        )
    status = process.wait()
    with waiting(queue_lock(root)):
        folder.settle(_reason(status), gone=True)


def _reason(status: int) -> str:
    if status == -9:
        return (
            "the system ended the process (signal 9), most often for want of memory; what was saved is kept: resume it"
        )
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    return f"the process ended without a word ({how}); see the log; what was saved is kept: resume it"
