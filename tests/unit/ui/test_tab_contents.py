"""What the tabs say about a study on disk, without a browser."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from study_factory import generated_study

from polypstudio.errors import UserError
from polypstudio.records import Job
from polypstudio.store.atomic import write_json
from polypstudio.store.jobs import JobFolder
from polypstudio.store.paths import StudyPaths
from polypstudio.ui.components.checklist import next_step, steps
from polypstudio.ui.components.demo import MOST_COPIES, is_read_only, rerun_command
from polypstudio.ui.components.estimate import plan
from polypstudio.ui.components.export import report_file
from polypstudio.ui.components.job_panel import job_card, shown_jobs
from polypstudio.ui.components.markup import duration
from polypstudio.ui.components.reading_form import plan as reading_plan
from polypstudio.ui.context import Selection
from polypstudio.ui.tabs import augmentation, findings, fine_tune, study

ENCODER = "efficientnet-lite0"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    generated_study(folder, "demo", iterations=3, per_class=4, real=8, size=32, title="Blobs & <clouds>")
    generated_study(folder, "bare", iterations=3, per_class=4, real=8, size=32, results=False)
    generated_study(folder, "new", iterations=0, real=8, size=32)
    return folder


def test_where_the_paper_is_chosen_each_tab_says_that_its_tables_hold_no_such_data(root: Path) -> None:
    tables = Selection(root, None, None, "train", is_paper=True)
    for said in (
        study.point_card(tables),
        fine_tune._form(tables, False),
        augmentation.words_card(tables),
        findings.words_card(tables),
    ):
        assert "printed tables only: they hold no such data" in said
    assert "no images to read" in reading_plan(tables, None, None)


def chosen(root: Path, name: str | None) -> Selection:
    return Selection(root, name, ENCODER, "train")


def job(root: Path, name: str, state: str, identity: str = "1") -> Job:
    """A job that ended long ago, or waits."""
    made = Job(id=identity, command=["run", name], title="Run", study=name, state=state, created=time.time())  # type: ignore[arg-type]
    folder = JobFolder(StudyPaths(root / name).jobs / identity)
    folder.path.mkdir(parents=True)
    folder.write(made)
    return made


def test_a_finished_study_has_nothing_left_to_do(root: Path) -> None:
    found = steps(chosen(root, "demo"))
    assert [step.done for step in found[2:]] == [True, True, True]
    assert found[2].detail == "3 of 3 iterations"


@pytest.mark.parametrize(("name", "command"), [("bare", ("run", "bare")), ("new", ("run", "new"))])
def test_the_next_step_is_the_first_undone_one(root: Path, name: str, command: tuple[str, ...]) -> None:
    following = next_step(steps(chosen(root, name)))
    assert following is not None
    assert following.command == command  # 3 of the 8 iterations of its configuration are there, or none
    assert f"polypstudio run {name}" in study.steps_card(chosen(root, name), steps(chosen(root, name)))


def test_the_first_screen_asks_the_question_of_the_study_s_own_images(root: Path) -> None:
    html = study.point_card(chosen(root, "demo"))
    assert "Do they mean the right thing?" in html
    assert "Blobs &amp; &lt;clouds&gt;" in html
    assert "phantom" in html
    assert html.count("<img") == 2 * (5 + 4)
    assert "/study/demo/image/iterations/000" in html
    assert "/study/demo/image/real/train/non_ad/" in html


def test_the_audit_counts_images_and_groups(root: Path) -> None:
    html = study.data_card(chosen(root, "demo"))
    assert html.count("8 in 4 groups") == 4
    assert "Fewer than 50 images" in html
    assert "both splits" not in html


@pytest.mark.parametrize(
    "card", [study.point_card, study.data_card, augmentation.words_card, findings.words_card, findings.methods_card]
)
@pytest.mark.parametrize("name", [None, "bare", "new", "demo"])
def test_cards_of_any_state_of_a_study(root: Path, card: object, name: str | None) -> None:
    assert isinstance(card(chosen(root, name)), str)  # type: ignore[operator]


def test_empty_states_say_what_to_do(root: Path) -> None:
    assert "polypstudio evaluate bare" in findings.words_card(chosen(root, "bare"))
    assert "polypstudio classify bare" in augmentation.words_card(chosen(root, "bare"))
    assert "import iterations first" in augmentation.words_card(chosen(root, "new"))
    assert "polypstudio new" in study.point_card(chosen(root, None))


def test_errors_are_shown_as_the_images_that_were_misjudged(root: Path) -> None:
    html = augmentation.errors_card(chosen(root, "demo"), "real")
    assert "/study/demo/image/real/test/" in html
    assert "P(AD) 0." in html
    assert augmentation.errors_card(chosen(root, "demo"), "no such arm") == ""


def test_the_report_is_handed_out_under_two_names_only(root: Path) -> None:
    paths = StudyPaths(root / "demo")
    archive = report_file(paths, "../../etc", "report.zip")
    assert archive is not None
    assert archive[0].startswith(b"PK")
    assert report_file(paths, ENCODER, "study.toml") is None


def test_the_shipped_study_is_read_only_in_the_demo_alone(root: Path) -> None:
    for demo, name, expected in ((True, "demo", True), (True, "bare", False), (False, "demo", False)):
        assert is_read_only(SimpleNamespace(demo=demo), chosen(root, name)) is expected  # type: ignore[arg-type]


def test_a_rerun_takes_the_next_free_name_and_never_runs_twice(tmp_path: Path) -> None:
    generated_study(tmp_path, "demo", iterations=0, real=2, size=16)
    assert rerun_command(chosen(tmp_path, "demo"))[:2] == ("demo-run-1", ["rerun", "demo", "demo-run-1"])
    job(tmp_path, "demo-run-1", "done")
    assert rerun_command(chosen(tmp_path, "demo"))[0] == "demo-run-2"
    job(tmp_path, "demo-run-2", "queued")
    with pytest.raises(UserError, match="something runs already"):
        rerun_command(chosen(tmp_path, "demo"))


def test_copies_of_the_demo_are_bounded(tmp_path: Path) -> None:
    generated_study(tmp_path, "demo", iterations=0, real=2, size=16)
    for i in range(1, MOST_COPIES + 1):
        job(tmp_path, f"demo-run-{i}", "done")
    with pytest.raises(UserError, match="copies of demo exist"):
        rerun_command(chosen(tmp_path, "demo"))


def test_the_panel_shows_what_waits_and_what_ended_last(tmp_path: Path) -> None:
    generated_study(tmp_path, "demo", iterations=0, real=2, size=16)
    selection = chosen(tmp_path, "demo")
    assert shown_jobs(selection) == []
    job(tmp_path, "demo", "failed", "1")
    job(tmp_path, "other", "queued", "1")
    job(tmp_path, "other", "done", "0")
    shown = [(each.study, each.state) for each in shown_jobs(selection)]
    assert shown == [("other", "queued"), ("demo", "failed"), ("other", "done")]


def test_a_job_s_card_escapes_what_it_prints(tmp_path: Path) -> None:
    made = job(tmp_path, "demo", "failed")
    folder = JobFolder(StudyPaths(tmp_path / "demo").jobs / made.id)
    folder.log.write_text("<script>alert(1)</script>")
    html = job_card(chosen(tmp_path, "demo"), made)
    assert "&lt;script&gt;" in html
    assert "polypstudio run demo --root" in html
    assert "<script>" not in html


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (300, "5 min"), (7800, "2 h 10 min"), (86400 * 3, "3 days")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_was_measured_is_shown_with_what_does_not_fit(tmp_path: Path) -> None:
    study_paths = generated_study(tmp_path, "new", iterations=0, real=2, size=16)
    assert "not measured yet" in plan(chosen(tmp_path, "new"), read_only=False)
    write_json(
        study_paths.estimate,
        {
            "device": "cpu",
            "fits": False,
            "problems": ["needs 40 GiB of memory, there are 16: a batch_size of 4 would fit"],
            "stages": [{"name": "pathology", "steps": 8000, "seconds_per_step": 0.9, "seconds": 7200.0}],
            "encoding": {"images": 12_000, "seconds": 600.0},
            "seconds": 7800.0,
            "memory": {"needed_bytes": 40 * 2**30, "available_bytes": 16 * 2**30},
            "disk": {"needed_bytes": 5 * 2**30, "free_bytes": 50 * 2**30},
        },
    )
    html = plan(chosen(tmp_path, "new"), read_only=False)
    for words in ("8,000", "2 h 10 min", "12,000 images", "40.0 GiB of 16.0 GiB", "a batch_size of 4 would fit"):
        assert words in html
    assert "estimate again" not in html
    os.utime(study_paths.estimate, (1000, 1000))
    assert "study.toml has changed since: estimate again." in plan(chosen(tmp_path, "new"), read_only=False)
