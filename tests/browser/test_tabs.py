"""The tabs Study, Fine-tune, Augmentation and Findings in a real browser: results, empty states, forms and jobs."""

from __future__ import annotations

import os
import time
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import serving
from study_factory import generated_study

from polypstudio import jobs
from polypstudio.records import Job, Progress
from polypstudio.store.jobs import JobFolder, process_start
from polypstudio.store.paths import StudyPaths

if TYPE_CHECKING:
    from playwright.sync_api import Page

TABS = ("Study", "Fine-tune", "Augmentation", "Findings")


def show(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()


def all_images_are_loaded(page: Page, within: str) -> None:
    """Scrolls to those that wait for it, and to those that a redraw puts in their place meanwhile."""
    page.wait_for_function(
        """css => {
          const images = [...document.querySelectorAll(css)];
          const missing = images.filter(image => !(image.complete && image.naturalWidth > 0));
          missing.forEach(image => image.scrollIntoView({ block: "center" }));
          return images.length > 0 && missing.length === 0;
        }""",
        arg=f"{within} img",
    )


def test_all_tabs_show_their_results(page: Page, address: str) -> None:
    page.goto(address)
    show(page, "Study")
    page.get_by_text("Do they mean the right thing?").wait_for()
    page.get_by_text("Class alignment A is 1 if").wait_for()
    all_images_are_loaded(page, "#study-point")
    assert page.locator("#study-point img").count() == 20
    show(page, "Fine-tune")
    page.get_by_text("Newest iteration: 1280").wait_for()
    page.get_by_text("not measured yet").first.wait_for()
    assert page.get_by_label("An iteration every").input_value() == "160"
    show(page, "Augmentation")
    page.get_by_text("With synthetic images of 1280 added").wait_for()
    page.locator("#augmentation-confusion .js-plotly-plot").wait_for()
    page.get_by_label("real", exact=True).check()
    all_images_are_loaded(page, "#augmentation-errors")
    show(page, "Findings")
    page.get_by_text("one would pick iteration").wait_for()
    page.locator("#findings-plot .js-plotly-plot").wait_for()
    assert page.locator("#findings-table tbody tr").count() == 8


@pytest.mark.parametrize(
    ("study", "tab", "text"),
    [
        ("unevaluated", "Study", "polypstudio run unevaluated"),
        ("unevaluated", "Augmentation", "polypstudio classify unevaluated"),
        ("unevaluated", "Findings", "polypstudio evaluate unevaluated"),
        ("without-iterations", "Fine-tune", "No iteration yet."),
        ("without-iterations", "Augmentation", "No synthetic images to add yet."),
    ],
)
def test_empty_states_say_what_to_do(page: Page, address: str, study: str, tab: str, text: str) -> None:
    page.goto(f"{address}/?study={study}")
    show(page, tab)
    page.get_by_text(text).locator("visible=true").first.wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(page: Page, address: str, theme: str) -> None:
    page.goto(f"{address}/?__theme={theme}")
    for tab in TABS:
        show(page, tab)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab


def test_the_report_comes_as_an_archive_and_as_a_page(
    page: Page, new_page: Callable[[], Page], address: str, tmp_path: Path
) -> None:
    page.goto(address)
    show(page, "Findings")
    with page.expect_download() as download:
        page.get_by_text("Download the report").click()
    download.value.save_as(tmp_path / "report.zip")
    names = zipfile.ZipFile(tmp_path / "report.zip").namelist()
    assert {"generated-report/report.html", "generated-report/kid_train.tex", "generated-report/iterations.csv"} <= set(
        names
    )
    report = new_page()
    report.goto(f"{address}/study/generated/report/report.html?encoder=efficientnet-lite0")
    report.locator(".js-plotly-plot").first.wait_for()
    assert "one would pick iteration" in report.inner_text("body")


def test_the_form_saves_and_names_what_is_wrong(page: Page, tmp_path: Path) -> None:
    generated_study(tmp_path, "new", iterations=0, real=4)
    with serving(tmp_path) as address:
        page.goto(address)
        show(page, "Fine-tune")
        field = page.get_by_label("An iteration every")
        page.wait_for_function("() => [...document.querySelectorAll('input')].some(i => i.value === '160')")
        field.fill("320")
        page.get_by_role("button", name="Save to study.toml").click()
        page.get_by_text("study.toml saved").wait_for()
        config = tmp_path / "new" / "study.toml"
        assert tomllib.loads(config.read_text())["training"]["stages"][1]["checkpoint_every"] == 320
        before = config.read_text()
        page.wait_for_timeout(2000)  # the saved values are drawn anew
        field.fill("99999")
        page.get_by_role("button", name="Save to study.toml").click()
        page.get_by_text("is larger than steps").wait_for()
        assert config.read_text() == before
        page.get_by_label("Fill in a preset").select_option("paper")
        page.wait_for_function("() => document.querySelector('[name=\"training.resolution\"]').value === '512'")
        page.get_by_role("button", name="Add a stage").click()
        page.get_by_text("Stage 3 · stage_3: its checkpoints are the study's iterations").wait_for()
        page.get_by_role("button", name="Remove stage").first.click()
        page.get_by_text("Stage 1 · pathology").wait_for()
        assert config.read_text() == before
        page.get_by_role("button", name="Save to study.toml").click()
        for _ in range(300):  # the words of the first save may still stand there: the file says when the second is done
            if config.read_text() != before:
                break
            page.wait_for_timeout(100)
        names = [stage["name"] for stage in tomllib.loads(config.read_text())["training"]["stages"]]
        assert names == ["pathology", "stage_3"]
        page.close()


def acted(root: Path, study: str, command: Sequence[str], title: str) -> Job:
    """Stands for a started process: a running job of this very process, whose progress the test writes."""
    pid = os.getpid()
    folder = JobFolder(StudyPaths(root / study).jobs / "20260101-000000-acted")
    folder.path.mkdir(parents=True)
    job = Job(
        id=folder.path.name,
        command=list(command),
        title=title,
        study=study,
        state="running",
        created=time.time(),
        started=time.time(),
        pid=pid,
        pid_started=process_start(pid),
    )
    folder.write(job)
    folder.report(Progress(step="Training", done=3, total=12, message="loss 0.123"))
    return job


def test_a_job_is_found_again_after_a_reload_and_its_end_redraws_the_page(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, list[str]]] = []

    def start(root: Path, study: str, command: Sequence[str], title: str) -> Job:
        started.append((study, list(command)))
        return acted(root, study, command, title)

    monkeypatch.setattr(jobs, "start", start)
    generated_study(tmp_path, "polyps", iterations=0)
    with serving(tmp_path) as address:
        page.goto(address)
        show(page, "Study")
        page.get_by_role("button", name="Run it").click()
        page.locator("#study-jobs").get_by_text("loss 0.123").wait_for()
        assert started == [("polyps", ["run", "polyps"])]
        page.reload()
        show(page, "Fine-tune")
        page.locator("#tune-jobs").get_by_text("loss 0.123").wait_for()
        folder = JobFolder(tmp_path / "polyps" / "jobs" / "20260101-000000-acted")
        folder.report(Progress(step="Sampling", done=7, total=12, message="480"))
        page.locator("#tune-jobs").get_by_text("Sampling").wait_for()
        generated_study(tmp_path, "polyps", iterations=1)
        folder.update(state="done", ended=time.time(), exit_status=0)
        page.locator("#tune-jobs").get_by_text("polyps · done").wait_for()
        page.get_by_text("Newest iteration: 160").wait_for()
        page.close()


def test_the_demo_is_changed_by_nobody_and_run_anew_on_a_copy(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, list[str]]] = []

    def start(root: Path, study: str, command: Sequence[str], title: str) -> Job:
        started.append((study, list(command)))
        return acted(root, study, command, title)

    monkeypatch.setattr(jobs, "start", start)
    generated_study(tmp_path, "demo", iterations=2)
    with serving(tmp_path, demo=True) as address:
        page.goto(address)
        show(page, "Fine-tune")
        page.get_by_role("button", name="Run stage 2 anew").click()
        page.locator("#tune-jobs").get_by_text("demo-run-1 · running").wait_for()
        assert started == [("demo-run-1", ["rerun", "demo", "demo-run-1"])]
        assert page.get_by_role("button", name="Save to study.toml").is_disabled()
        assert not page.locator("#tune-run").is_visible()
        page.close()  # before the server: it asks how far the job is
