"""Jobs: a queue that needs nobody, processes that outlive whoever started them, and states that say what became of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from polypstudio import jobs
from polypstudio.config import DataConfig, StudyConfig
from polypstudio.errors import UserError
from polypstudio.records import Job
from polypstudio.store.jobs import JobFolder, here, process_start
from polypstudio.store.locks import exclusive, is_held
from polypstudio.store.paths import StudyPaths, worker_lock
from polypstudio.store.studies import load_config, save_config

PATIENCE = 60  # seconds, on a busy machine


def until(said: Callable[[], object], what: str = "") -> None:
    end = time.monotonic() + PATIENCE
    while not said():
        assert time.monotonic() < end, what or "it never came"
        time.sleep(0.05)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Five studies; in the end no process of theirs is left."""
    folder = tmp_path / "studies"
    for name in ("one", "two", "three", "four", "five"):
        save_config(StudyPaths(folder / name), StudyConfig(title=name, data=DataConfig(path="nowhere")))
    yield folder
    for job in jobs.list_jobs(folder):
        jobs.kill(folder, job)
    for device in {"cpu", *(job.device for job in jobs.list_jobs(folder))}:
        until(lambda device=device: not is_held(worker_lock(folder, device)), "the worker does not end")


def now(root: Path, job: Job) -> Job:
    return jobs.folder_of(root, job).read()


def wait_for(root: Path, job: Job, *states: str) -> Job:
    until(lambda: now(root, job).state in states, f"{job.study} never was {states}")
    return now(root, job)


class Blocked:
    """A job that runs until it is let go: the table of its dataset is a pipe into which nobody writes yet."""

    def __init__(self, root: Path, study: str, device: str = "cpu") -> None:
        self.pipe = pipe(root.parent / f"data-of-{study}")
        self.job = jobs.start(root, study, ["audit", str(self.pipe.parent)], "Blocked", device=device)
        until(lambda: now(root, self.job).pid is not None and now(root, self.job).state == "running")

    def let_go(self) -> None:
        """What it reads is no table of images: it fails."""
        self.pipe.write_text("nothing")


def pipe(folder: Path) -> Path:
    folder.mkdir()
    (folder / "1.png").touch()
    os.mkfifo(folder / "metadata.csv")
    return folder / "metadata.csv"


def fails(root: Path, study: str, device: str = "cpu") -> Job:
    """A job that fails at once: its images are nowhere."""
    return jobs.start(root, study, ["evaluate", study], "Evidence", device=device)


def worker(root: Path) -> int:
    """The pid of the worker."""
    job = next(job for job in jobs.list_jobs(root) if job.state == "running")
    return int(Path(f"/proc/{job.pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_failed_job_says_why(root: Path) -> None:
    job = wait_for(root, fails(root, "one"), "failed")
    assert job.exit_status == 2
    assert "data.path" in job.message
    until(lambda: "data.path" in jobs.log_tail(root, job))  # printed after the state was written
    assert "Traceback" not in jobs.log_tail(root, job)


def test_one_job_a_device_in_the_order_of_the_queue_which_can_be_changed(root: Path) -> None:
    first = Blocked(root, "one")
    second, third = fails(root, "two"), fails(root, "three")
    assert [now(root, job).state for job in (second, third)] == ["queued", "queued"]
    jobs.move(root, third, 1)  # it is the last already
    jobs.move(root, third, -1)
    jobs.move(root, third, -1)  # and now the first
    first.let_go()
    ended = [wait_for(root, job, "failed") for job in (first.job, third, second)]
    assert [job.study for job in sorted(ended, key=lambda job: job.started or 0)] == ["one", "three", "two"]
    assert all(a.ended <= b.started for a, b in pairwise(ended))  # type: ignore[operator]


def test_each_device_has_a_queue_of_its_own_and_both_run_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")  # a GPU by name; what these jobs do needs none
    assert jobs.devices() == ["cuda:0", "cpu"]
    on_gpu, on_cpu = Blocked(root, "one", "cuda:0"), Blocked(root, "two", "cpu")
    running = [now(root, blocked.job) for blocked in (on_gpu, on_cpu)]
    assert [job.state for job in running] == ["running", "running"]
    seen = [Path(f"/proc/{job.pid}/environ").read_bytes().split(b"\0") for job in running]
    assert [b"CUDA_VISIBLE_DEVICES=3" in seen[0], b"CUDA_VISIBLE_DEVICES=" in seen[1]] == [True, True]
    third, fourth, fifth = fails(root, "three", "cuda:0"), fails(root, "four", "cuda:0"), fails(root, "five", "cpu")
    jobs.move(root, fourth, -1)
    on_cpu.let_go()
    wait_for(root, fifth, "failed")  # its own queue goes on; the other waits for what runs on the GPU
    assert [now(root, job).state for job in (on_gpu.job, third, fourth)] == ["running", "queued", "queued"]
    on_gpu.let_go()
    ended = [wait_for(root, job, "failed") for job in (on_gpu.job, fourth, third)]
    assert all(a.ended <= b.started for a, b in pairwise(ended))  # type: ignore[operator]


def test_what_is_queued_runs_with_the_configuration_it_was_queued_with(root: Path) -> None:
    first = Blocked(root, "one")
    job = fails(root, "two")
    study = StudyPaths(root / "two")
    save_config(study, load_config(study).model_copy(update={"data": DataConfig(path="changed-meanwhile")}))
    first.let_go()
    assert "no folder" in wait_for(root, job, "failed").message
    assert "nowhere" in now(root, job).message
    assert "--config" in jobs.shell_command(job.command, root)


def test_a_study_has_one_job(root: Path) -> None:
    first = Blocked(root, "one")
    with pytest.raises(UserError, match="one: `Blocked` is running already; wait for it, or stop it first"):
        fails(root, "one")
    waiting = fails(root, "two")
    with pytest.raises(UserError, match="two: `Evidence` is queued already"):
        fails(root, "two")
    assert now(root, waiting).state == "queued"
    first.let_go()


def test_a_study_that_is_being_worked_on_in_a_shell_is_left_alone(root: Path) -> None:
    with exclusive(StudyPaths(root / "one").lock, "busy"), pytest.raises(UserError, match="started in a shell"):
        fails(root, "one")
    assert jobs.list_jobs(root) == []


def test_a_device_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(UserError, match=r"no device cuda:7; there are .*cpu"):
        jobs.start(root, "one", ["evaluate", "one"], "Evidence", device="cuda:7")


def test_a_job_out_of_the_queue_can_be_resumed(root: Path) -> None:
    first = Blocked(root, "one")
    job = fails(root, "two")
    jobs.stop(root, job)
    assert now(root, job).state == "stopped"
    with pytest.raises(UserError, match="running; there is nothing to resume"):
        jobs.resume(root, first.job)
    assert jobs.resume(root, job).state == "queued"
    first.let_go()
    assert wait_for(root, job, "failed").exit_status == 2


def test_a_running_job_that_is_stopped_did_not_die(root: Path) -> None:
    first = Blocked(root, "one")
    jobs.stop(root, first.job)
    jobs.stop(root, first.job)
    assert wait_for(root, first.job, "stopped", "died").state == "stopped"


def test_a_killed_process_is_said_to_have_died_and_the_queue_goes_on(root: Path) -> None:
    first = Blocked(root, "one")
    following = fails(root, "two")
    os.kill(now(root, first.job).pid, signal.SIGKILL)  # type: ignore[arg-type]
    until(lambda: "signal 9" in now(root, first.job).message)
    died = now(root, first.job)
    assert died.state == "died"
    assert "resume it" in died.message
    assert died.ended is not None
    wait_for(root, following, "failed")


def test_kill_ends_a_job_that_does_not_listen(root: Path) -> None:
    first = Blocked(root, "one")
    os.kill(now(root, first.job).pid, signal.SIGSTOP)  # type: ignore[arg-type]
    jobs.kill(root, first.job)
    assert "killed" in wait_for(root, first.job, "stopped").message


def test_the_queue_survives_its_worker(root: Path) -> None:
    """The job that runs goes on; the next one waits for it, whoever starts the next worker."""
    first = Blocked(root, "one")
    os.kill(worker(root), signal.SIGKILL)
    until(lambda: not is_held(worker_lock(root, "cpu")))
    second = fails(root, "two")  # starts a worker
    until(lambda: is_held(worker_lock(root, "cpu")))
    time.sleep(2)  # enough for a worker that does not look first
    assert [now(root, job).state for job in (first.job, second)] == ["running", "queued"]
    first.let_go()
    ended = wait_for(root, first.job, "failed")
    assert wait_for(root, second, "failed").started >= ended.ended  # type: ignore[operator]


def test_a_job_outlives_the_process_that_started_it(root: Path) -> None:
    table = pipe(root.parent / "data")
    code = (
        "import sys; from pathlib import Path; from polypstudio import jobs;"
        "jobs.start(Path(sys.argv[1]), 'one', ['audit', sys.argv[2]], 'Blocked')"
    )
    subprocess.run([sys.executable, "-c", code, str(root), str(table.parent)], check=True)
    (job,) = jobs.list_jobs(root)
    until(lambda: now(root, job).pid is not None)
    table.write_text("nothing")
    assert wait_for(root, job, "failed").exit_status == 2


# --- states that were left behind


def left_behind(root: Path, **about: object) -> tuple[JobFolder, Job]:
    folder = JobFolder(StudyPaths(root / "one").jobs / "20260101-000000-left")
    folder.path.mkdir(parents=True)
    fields: dict[str, object] = {"started": 1000.0, "pid": 2**22 + 1, "pid_started": 5.0, "machine": here()}
    job = Job(
        **(
            {"id": folder.path.name, "command": ["evaluate", "one"], "title": "Evidence", "study": "one"}
            | {"state": "running", "created": 1000.0}
            | fields
            | about
        )  # type: ignore[arg-type]
    )
    folder.write(job)
    folder.beat()
    os.utime(folder.path / "heartbeat", (2000, 2000))
    return folder, job


def test_at_start_up_a_job_whose_process_died_says_so_and_can_be_resumed(root: Path) -> None:
    folder, job = left_behind(root)
    jobs.reconcile(root)
    written = Job.model_validate_json((folder.path / "job.json").read_bytes())
    assert (written.state, written.ended) == ("died", 2000.0)
    assert "resume it" in written.message
    jobs.resume(root, job)
    assert wait_for(root, job, "failed").exit_status == 2


def test_at_start_up_the_queue_goes_on(root: Path) -> None:
    _, job = left_behind(root, state="queued", pid=None)
    jobs.reconcile(root)
    assert wait_for(root, job, "failed").exit_status == 2


def test_a_reused_pid_is_not_taken_for_the_job(root: Path) -> None:
    folder, _ = left_behind(root, pid=os.getpid(), pid_started=1.0)
    assert folder.read().state == "died"
    folder.update(pid_started=process_start(os.getpid()))
    assert folder.read().state == "running"
    folder.update(state="stopped")


def test_a_job_of_another_machine_is_judged_by_its_heartbeat(root: Path) -> None:
    folder, _ = left_behind(root, machine="another boot of another machine")
    assert folder.read().state == "died"
    folder.beat()
    assert folder.read().state == "running"
    folder.update(state="stopped")


def test_a_job_that_ended_while_it_was_looked_at_is_not_said_to_have_died(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = left_behind(root)

    def ends_now(self: JobFolder, job: Job) -> bool:
        folder.update(state="done", ended=3000.0)
        return False

    monkeypatch.setattr(JobFolder, "_is_alive", ends_now)
    folder.settle()
    assert folder.read().state == "done"


def test_progress_is_read_from_the_end_of_a_long_file(root: Path) -> None:
    folder, job = left_behind(root, state="stopped")
    line = '{{"step": "Training", "done": {}, "total": 100000}}\n'
    (folder.path / "progress.jsonl").write_text("".join(line.format(n) for n in range(5000)) + '{"step": "to')
    found = jobs.progress(root, job)
    assert found is not None
    assert found.done == 4999


def test_the_shell_command_is_what_one_would_type() -> None:
    assert jobs.shell_command(["train", "my study"]) == "polypstudio train 'my study'"
