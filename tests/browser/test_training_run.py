"""A fine-tuning from the page, with no part of it replaced: watched, reloaded, in two tabs, stopped, resumed, and through a
restart of the dashboard in its middle."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import launched

from polypstudio import jobs
from polypstudio.records import Job
from polypstudio.store.atomic import read_json_lines
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow
STEPS = 600  # long enough for all that is done to it in its middle
WHOLE_RUN = 600_000  # ms, on a busy machine


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    from tiny_sd import runnable_study

    return runnable_study(tmp_path / "studies", "tiny", STEPS, save_state_every=50)


def shown(page: Page, address: str) -> Locator:
    """The card of the study's job on the tab Fine-tune."""
    page.goto(f"{address}/?study=tiny")
    page.get_by_role("tab", name="Fine-tune", exact=True).click()
    return page.locator("#tune-jobs .pst-job").filter(has_text="tiny · ")


def job_of(study: StudyPaths) -> Job:
    (job,) = jobs.list_jobs(study.root.parent)
    return job


def trained(study: StudyPaths) -> int:
    """Optimizer steps of the last stage that were logged."""
    return max((row["step"] for row in read_json_lines(study.training_log) if row["stage"] == "pathology"), default=0)


def until(said: Callable[[], bool], what: str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_a_run_is_watched_stopped_resumed_and_outlives_the_dashboard(
    new_page: Callable[[], Page], study: StudyPaths
) -> None:
    root = study.root.parent
    first, second = new_page(), new_page()
    with launched("serve", "--root", str(root)) as dashboard:
        other = shown(second, dashboard.address)  # open before anything runs
        card = shown(first, dashboard.address)
        first.get_by_role("button", name="Start", exact=True).click()
        card.locator("progress").wait_for()
        other.locator("progress").wait_for()
        first.get_by_role("button", name="Start", exact=True).click()
        first.get_by_text("is running already; wait for it, or stop it first").wait_for()
        until(lambda: trained(study) > 50, "the second stage never began")
        first.locator("#tune-loss .js-plotly-plot").wait_for()
        first.reload()
        first.get_by_role("tab", name="Fine-tune", exact=True).click()
        card.locator("progress").wait_for()
        started = job_of(study)

        card.get_by_role("button", name="Stop").click()
        card.locator("p").get_by_text("stopped at step").wait_for()
        other.locator("p").get_by_text("stopped at step").wait_for()
        stopped_at = trained(study)
        assert job_of(study).state == "stopped"
        assert 0 < stopped_at < STEPS

        other.get_by_role("button", name="Resume").click()
        card.locator("progress").wait_for()
        until(lambda: trained(study) > stopped_at, "it did not go on")
        assert min(row["step"] for row in read_json_lines(study.training_log) if row["stage"] == "pathology") == 10
        assert job_of(study).id == started.id
        first.close()
        second.close()
        dashboard.kill()

    running = job_of(study)
    assert running.state == "running"
    with launched("serve", "--root", str(root)) as dashboard:
        page = new_page()
        card = shown(page, dashboard.address)
        card.get_by_text("tiny · done").wait_for(timeout=WHOLE_RUN)
        page.locator("#tune-previews img").first.wait_for()
        page.close()
    ended = job_of(study)
    assert (ended.id, ended.pid, ended.state, ended.exit_status) == (running.id, running.pid, "done", 0)
    assert complete_iterations(study) == [STEPS // 2, STEPS]


def test_a_run_whose_process_died_says_so_and_is_resumed_from_the_page(page: Page, study: StudyPaths) -> None:
    root = study.root.parent
    with launched("serve", "--root", str(root)) as dashboard:
        card = shown(page, dashboard.address)
        page.get_by_role("button", name="Start", exact=True).click()
        card.locator("progress").wait_for()
        until(lambda: trained(study) > 100, "the second stage never began")
        os.killpg(job_of(study).pid, signal.SIGKILL)  # type: ignore[arg-type]
        card.locator("p").get_by_text("the system ended the process (signal 9)").wait_for()
        reached = trained(study)
        card.get_by_role("button", name="Resume").click()
        card.locator("progress").wait_for()
        until(lambda: trained(study) > reached, "it did not go on")
        page.on("dialog", lambda dialog: dialog.accept())
        card.get_by_role("button", name="Kill").click()
        card.locator("p").get_by_text("killed; what was saved before is kept").wait_for()
        page.close()


def test_an_estimate_from_the_page_is_measured_by_the_real_command(page: Page, study: StudyPaths) -> None:
    with launched("serve", "--root", str(study.root.parent)) as dashboard:
        card = shown(page, dashboard.address)
        takes = page.locator("#tune-plan")
        takes.get_by_text("Memory: not measured yet.").wait_for()
        page.get_by_role("button", name="Estimate", exact=True).click()
        card.get_by_text("Estimate of time, memory and disk").wait_for()
        card.get_by_text("tiny · done").wait_for(timeout=WHOLE_RUN)
        takes.get_by_text("to encode 20 images").wait_for()
        found = json.loads(study.estimate.read_text())
        assert [stage["steps"] for stage in found["stages"]] == [4, STEPS]
        for stage in found["stages"]:
            row = takes.get_by_role("row").filter(has_text=stage["name"])
            assert f"{stage['steps']:,}" in row.inner_text()
            assert f"{stage['seconds_per_step']:.2f} s" in row.inner_text()
        assert not study.training_log.exists(), "an estimate trains nothing"
        page.close()
