"""The panel of jobs: what it lists."""

from __future__ import annotations

from pathlib import Path

from polypstudio.records import Job
from polypstudio.store.jobs import JobFolder
from polypstudio.store.paths import StudyPaths
from polypstudio.ui.components.job_panel import job_card, shown_jobs
from polypstudio.ui.context import Selection


def ended(root: Path, study: str, created: float) -> None:
    folder = JobFolder(StudyPaths(root / study).jobs / f"job-{created:.0f}")
    folder.path.mkdir(parents=True)
    folder.write(
        Job(id=folder.path.name, command=["run", study], title="Run", study=study, state="done", created=created)
    )


def test_a_copy_that_was_run_from_here_is_found_when_it_is_done(tmp_path: Path) -> None:
    """It once left the panel when it ended, and nothing on the page led to it."""
    ended(tmp_path, "demo-run-1", 1)
    ended(tmp_path, "demo-run-2", 2)
    ended(tmp_path, "demo", 3)
    selection = Selection(tmp_path, "demo", None, "train")
    assert [job.study for job in shown_jobs(selection)] == ["demo", "demo-run-2"]
    assert 'href="?study=demo-run-2"' in job_card(selection, shown_jobs(selection)[1])
