"""Stage 2 run anew from the page, with no part of it replaced: the job's own process, its progress, and what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import launched

from polypstudio import jobs
from polypstudio.records import Job
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
STEPS = 400  # long enough for a reload, or another dashboard, to come in mid-run
WHOLE_RUN = 600_000  # ms, on a busy machine


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study `demo` of random weights that was trained, as the demo was."""
    from tiny_sd import runnable_study

    folder = tmp_path_factory.mktemp("rerun") / "studies"
    study = runnable_study(folder, "demo", STEPS, save_state_every=50)
    command = [sys.executable, "-m", "polypstudio", "train", study.name, "--root", str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return folder


def open_jobs(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Fine-tune", exact=True).click()


def start_rerun(page: Page, root: Path, copy: str) -> Job:
    """Presses the button and waits until the page shows the progress of ``copy``; returns its job."""
    page.get_by_role("button", name="Run stage 2 anew, on a copy").click()
    card = page.locator("#tune-jobs .pst-job").filter(has_text=f"{copy} · running")
    card.locator("progress").wait_for()
    (job,) = jobs.study_jobs(root, copy)
    assert job.state == "running"
    assert job.pid != os.getpid()
    return job


def test_a_visitor_runs_stage_2_anew_and_sees_its_iterations(page: Page, root: Path) -> None:
    with launched("serve", "--root", str(root)) as dashboard:
        open_jobs(page, dashboard.address)
        started = start_rerun(page, root, "demo-run-1")
        page.reload()
        page.get_by_role("tab", name="Fine-tune", exact=True).click()
        page.locator("#tune-jobs").get_by_text("demo-run-1 · running").wait_for()
        assert [(job.id, job.pid, job.state) for job in jobs.list_jobs(root)] == [(started.id, started.pid, "running")]
        page.locator("#tune-jobs").get_by_text("Open demo-run-1").wait_for(timeout=WHOLE_RUN)
        page.locator("#tune-jobs").get_by_text("Open demo-run-1").click()
        page.locator(f'.ps-iterations[data-a="{STEPS}"]').wait_for()
        page.locator(f'.ps-map-plot[data-set="iterations/{STEPS:06d}"]').wait_for()
        assert page.locator(".ps-matrix tbody:visible").inner_text().strip()
        page.keyboard.press("ArrowLeft")
        page.locator(f'.ps-iterations[data-a="{STEPS // 2}"]').wait_for()
        page.close()
    assert complete_iterations(StudyPaths(root / "demo-run-1")) == [STEPS // 2, STEPS]


def test_a_job_outlives_the_dashboard_that_started_it(new_page: Callable[[], Page], root: Path) -> None:
    page = new_page()
    with launched("serve", "--root", str(root)) as dashboard:
        open_jobs(page, dashboard.address)
        started = start_rerun(page, root, "demo-run-2")
        page.close()
        dashboard.kill()
    before = jobs.progress(root, started)
    with launched("serve", "--root", str(root)) as dashboard:
        page = new_page()
        open_jobs(page, dashboard.address)
        card = page.locator("#tune-jobs .pst-job").filter(has_text="demo-run-2 · running")
        card.locator("progress").wait_for()
        (job,) = jobs.study_jobs(root, "demo-run-2")
        assert (job.id, job.pid, job.state) == (started.id, started.pid, "running")
        end = time.monotonic() + WHOLE_RUN / 1000
        while jobs.progress(root, started) == before:
            assert time.monotonic() < end, "the job does not go on"
            time.sleep(0.2)
        page.locator("#tune-jobs").get_by_text("Open demo-run-2").wait_for(timeout=WHOLE_RUN)
        page.close()
    (job,) = jobs.study_jobs(root, "demo-run-2")
    assert (job.pid, job.state, job.exit_status) == (started.pid, "done", 0)
    assert complete_iterations(StudyPaths(root / "demo-run-2")) == [STEPS // 2, STEPS]
