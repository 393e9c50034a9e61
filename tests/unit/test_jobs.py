"""Jobs: processes that outlive whoever started them, and say what became of them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from polypstudio import jobs
from polypstudio.config import DataConfig, StudyConfig
from polypstudio.errors import UserError
from polypstudio.records import Job
from polypstudio.store.locks import waiting
from polypstudio.store.paths import StudyPaths, device_lock
from polypstudio.store.studies import save_config


@pytest.fixture
def root(tmp_path: Path) -> Path:
    save_config(StudyPaths(tmp_path / "study"), StudyConfig(title="Study", data=DataConfig(path="nowhere")))
    return tmp_path


def newest(root: Path) -> Job:
    return jobs.list_jobs(root)[0]


def wait_for(root: Path, *states: str, seconds: float = 30) -> Job:
    deadline = time.monotonic() + seconds
    while newest(root).state not in states:
        assert time.monotonic() < deadline, f"still {newest(root).state}: {jobs.log_tail(root, newest(root))}"
        time.sleep(0.05)
    return newest(root)


def test_a_failed_job_says_why(root: Path) -> None:
    jobs.start(root, "study", ["evaluate", "study"], "Evidence")
    job = wait_for(root, "failed")
    assert job.exit_status == 2
    assert "data.path" in job.message
    assert "data.path" in jobs.log_tail(root, job)
    assert "Traceback" not in jobs.log_tail(root, job)


def test_jobs_wait_their_turn_and_one_study_has_one_job(root: Path) -> None:
    with waiting(device_lock(root)):
        jobs.start(root, "study", ["evaluate", "study"], "Evidence")
        deadline = time.monotonic() + 30
        while newest(root).pid is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert newest(root).state == "queued"
        with pytest.raises(UserError, match="queued already"):
            jobs.start(root, "study", ["evaluate", "study"], "Evidence")
    wait_for(root, "failed")


def test_a_killed_job_is_said_to_have_died(root: Path) -> None:
    with waiting(device_lock(root)):
        jobs.start(root, "study", ["evaluate", "study"], "Evidence")
        deadline = time.monotonic() + 30
        while (pid := newest(root).pid) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        job = wait_for(root, "died")
    assert "start it again" in job.message


def test_the_shell_command_is_what_one_would_type() -> None:
    assert jobs.shell_command(["train", "my study"]) == "polypstudio train 'my study'"
