"""What the command line shows while it works: a bar on a terminal, and lines in the job's folder for the dashboard."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from polypstudio import processes
from polypstudio.errors import UserError
from polypstudio.jobs import JOB_VARIABLE
from polypstudio.progress import Report, silent
from polypstudio.records import Progress
from polypstudio.stopping import Stopped
from polypstudio.store.jobs import SECONDS_BETWEEN_BEATS, JobFolder, here, process_start

SECONDS_BETWEEN_LINES = 1.0


class Console:
    """Announces steps and shows their progress."""

    def __init__(self) -> None:
        folder = os.environ.get(JOB_VARIABLE)
        self.job = JobFolder(Path(folder)) if folder else None
        self._bar: tqdm | None = None

    def announce(self, title: str) -> Report:
        """Starts a step; returns what its work reports to."""
        self.finish()
        if not processes.is_main():
            return silent
        if not sys.stderr.isatty():
            print(time.strftime("%H:%M:%S"), title, file=sys.stderr, flush=True)
            return silent if self.job is None else _job_report(self.job, title)
        self._bar = tqdm(total=0, desc=title, file=sys.stderr, unit="", dynamic_ncols=True, leave=True)
        return _bar_report(self._bar)

    def finish(self) -> None:
        """Closes the bar of the step that ended."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextlib.contextmanager
def as_job() -> Iterator[None]:
    """If this process was started as a job: signs it, gives signs of life, and records how it ended."""
    folder = os.environ.get(JOB_VARIABLE)
    if not folder or not processes.is_main():
        yield
        return
    job = JobFolder(Path(folder))
    job.update(pid=os.getpid(), pid_started=process_start(os.getpid()), machine=here())
    try:
        with _beating(job):
            yield
    except UserError as error:
        job.update(state="failed", ended=time.time(), message=str(error), exit_status=2)
        raise
    except OSError as error:
        job.update(state="failed", ended=time.time(), message=describe_os_error(error), exit_status=2)
        raise
    except (Stopped, KeyboardInterrupt) as end:
        job.update(state="stopped", ended=time.time(), message=str(end) or "stopped", exit_status=130)
        raise
    except BaseException as error:
        job.update(state="failed", ended=time.time(), message=f"{type(error).__name__}: {error}", exit_status=1)
        raise
    job.update(state="done", ended=time.time(), exit_status=0)


def describe_os_error(error: OSError) -> str:
    """Which file, and what is wrong with it, in one line."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place}the disk is full; what was saved before is kept: free some space and run again"
    return f"{place}{error.strerror or error}"


@contextlib.contextmanager
def _beating(job: JobFolder) -> Iterator[None]:
    """A thread that gives signs of life and looks for what is asked of the job.

    A request to stop becomes one SIGTERM to this process, however often it is asked: a second one would end it unsaved.
    """
    ended = threading.Event()

    def beat() -> None:
        asked = None
        while not ended.wait(SECONDS_BETWEEN_BEATS):
            with contextlib.suppress(OSError):  # a disk that is full for a moment
                job.beat()
            request = job.requested()
            if request == "kill":
                os.killpg(os.getpgid(0), signal.SIGKILL)
            elif request is not None and request != asked:
                asked = request
                os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _bar_report(bar: tqdm) -> Report:
    def report(done: float, total: float, message: str = "") -> None:
        bar.total = total
        bar.n = done
        bar.set_postfix_str(message, refresh=False)
        bar.refresh() if done >= total else bar.update(0)

    return report


def _job_report(job: JobFolder, title: str) -> Report:
    last = 0.0

    def report(done: float, total: float, message: str = "") -> None:
        nonlocal last
        now = time.time()
        if done >= total or now - last >= SECONDS_BETWEEN_LINES:
            job.report(Progress(step=title, done=done, total=total, message=message, time=now))
            last = now

    report(0, 1)
    return report
