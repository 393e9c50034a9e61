"""Jobs on disk: what waits, what runs, how far it is, how it ended.

A queued job is changed under the queue's lock alone. Once it runs, its own process writes how it ends; where it cannot,
because it was killed, the worker or whoever looks next does (:meth:`JobFolder.settle`).
"""

from __future__ import annotations

import functools
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from polypstudio.records import Job, Progress
from polypstudio.store.atomic import append_line, read_tail, write_text

START_GRACE = 60.0  # seconds within which a started process must have signed its job
SECONDS_BETWEEN_BEATS = 1.0
LOST_AFTER = 60.0  # seconds without a beat after which a process that cannot be seen from here is held to be gone
DIED = "the process ended without a word; what was saved is kept: resume it"


@dataclass(frozen=True)
class JobFolder:
    """``jobs/<id>/`` of a study."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def config(self) -> Path:
        """The study's configuration when the job was put into the queue."""
        return self.path / "study.toml"

    @property
    def _heartbeat(self) -> Path:
        return self.path / "heartbeat"

    @property
    def _request(self) -> Path:
        return self.path / "request"

    def write(self, job: Job) -> Job:
        write_text(self.path / "job.json", job.model_dump_json(indent=1) + "\n")
        return job

    def update(self, **changes: object) -> Job:
        """Writes the job with some fields changed; returns it."""
        return self.write(Job.model_validate({**self._stored().model_dump(), **changes}))

    def read(self) -> Job:
        """The job as it is now: of a process that is gone it is said how it ended."""
        job = self._stored()
        return self._end_of(DIED) if job.state == "running" and not self._is_alive(job) else job

    def settle(self, reason: str = DIED, gone: bool = False) -> None:
        """Writes down that the process ended without a word, if it did. The caller holds the queue's lock.

        ``gone``: the caller has seen it end.
        """
        job = self._stored()
        if job.state == "running" and (gone or not self._is_alive(job)):
            self.write(self._end_of(reason))

    def beat(self) -> None:
        """A sign of life of the job's process."""
        self._heartbeat.touch()

    def last_beat(self) -> float | None:
        """When the job's process last gave a sign of life."""
        try:
            return self._heartbeat.stat().st_mtime
        except OSError:
            return None

    def request(self, what: str) -> None:
        """Leaves word for the job's process: `stop` (save and end) or `kill`."""
        write_text(self._request, what)

    def requested(self) -> str | None:
        """What was asked of the job's process."""
        try:
            return self._request.read_text()
        except OSError:
            return None

    def forget_request(self) -> None:
        self._request.unlink(missing_ok=True)

    def report(self, progress: Progress) -> None:
        append_line(self.path / "progress.jsonl", progress.model_dump_json())

    def progress(self) -> Progress | None:
        """The newest whole line of progress."""
        for line in reversed(read_tail(self.path / "progress.jsonl").splitlines()):
            try:
                return Progress.model_validate_json(line)
            except ValidationError:
                continue
        return None

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of what the process printed."""
        return "\n".join(read_tail(self.log).splitlines()[-lines:])

    def _stored(self) -> Job:
        return Job.model_validate(json.loads((self.path / "job.json").read_bytes()))

    def _end_of(self, reason: str) -> Job:
        """The job of a process that is gone. What it wrote last is read again: it may have ended just now, in order."""
        job = self._stored()
        if job.state != "running":
            return job
        ended = self.last_beat() or job.started or job.created
        asked = {
            "stop": "stopped before it had anything to save",
            "kill": "killed; what was saved before is kept",
        }.get(self.requested() or "")
        state = "stopped" if asked else "died"
        return job.model_copy(update={"state": state, "ended": ended, "message": asked or reason})

    def _is_alive(self, job: Job) -> bool:
        if job.pid is None:
            return time.time() - (job.started or job.created) < START_GRACE
        if job.machine in (None, here()):
            return process_start(job.pid) == job.pid_started
        return time.time() - (self.last_beat() or 0) < LOST_AFTER


def job_folders(jobs: Path) -> list[JobFolder]:
    """The readable jobs below a study's ``jobs`` folder, oldest first."""
    folders = []
    for file in sorted(jobs.glob("*/job.json")):
        try:
            Job.model_validate(json.loads(file.read_bytes()))
        except (ValueError, ValidationError, OSError):
            continue
        folders.append(JobFolder(file.parent))
    return folders


def queue_of(root: Path, device: str | None = None) -> list[JobFolder]:
    """The jobs under ``root`` that wait for a device (or for any), in their order."""
    queued = []
    for study in root.glob("*/jobs"):
        for folder in job_folders(study):
            job = folder.read()
            if job.state == "queued" and device in (None, job.device):
                queued.append((job.position, job.id, folder))
    return [folder for _, _, folder in sorted(queued, key=lambda found: found[:2])]


@functools.cache
def here() -> str:
    """Names this boot of this machine, and its space of process numbers: where a pid means what it says."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "unknown"


def process_start(pid: int) -> float | None:
    """When a living process started (clock ticks since boot, from /proc), or None. Tells a reused pid from the old one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, start = fields[0], float(fields[19])
    return None if state in "ZX" else start
