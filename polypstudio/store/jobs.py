"""Jobs on disk: what was started, how far it is, how it ended. The job's own process is the only writer of its state."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from polypstudio.records import Job, Progress
from polypstudio.store.atomic import append_line, read_json_lines, write_text

START_GRACE = 60.0  # seconds within which a started process must have signed its job


@dataclass(frozen=True)
class JobFolder:
    """``jobs/<id>/`` of a study."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    def write(self, job: Job) -> None:
        write_text(self.path / "job.json", job.model_dump_json(indent=1) + "\n")

    def update(self, **changes: object) -> Job:
        """Writes the job with some fields changed; returns it."""
        job = Job.model_validate({**self._stored().model_dump(), **changes})
        self.write(job)
        return job

    def read(self) -> Job:
        """The job as it is now: a process that died without a word is said to have died."""
        job = self._stored()
        if job.state in ("queued", "running"):
            unsigned = job.pid is None and time.time() - job.created > START_GRACE
            gone = job.pid is not None and process_start(job.pid) != job.pid_started
            if unsigned or gone:
                message = "the process ended without a word; start it again: what is done is kept"
                return job.model_copy(update={"state": "died", "message": message})
        return job

    def report(self, progress: Progress) -> None:
        append_line(self.path / "progress.jsonl", progress.model_dump_json())

    def progress(self) -> Progress | None:
        """The newest line of progress."""
        lines = read_json_lines(self.path / "progress.jsonl")
        return Progress.model_validate(lines[-1]) if lines else None

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of what the process printed."""
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _stored(self) -> Job:
        return Job.model_validate(json.loads((self.path / "job.json").read_bytes()))


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


def process_start(pid: int) -> float | None:
    """When a living process started (clock ticks since boot, from /proc), or None. Tells a reused pid from the old one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, start = fields[0], float(fields[19])
    return None if state in "ZX" else start
