"""The researcher's side in a real browser: a reading is made, answered, changed, and its links renewed and revoked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import serving
from study_factory import generated_study

from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths

playwright = pytest.importorskip("playwright.sync_api")
Page = playwright.Page


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    return generated_study(tmp_path, "read-me", iterations=2, per_class=6, real=8, results=False)


@pytest.fixture
def address(study: StudyPaths) -> Iterator[str]:
    with serving(study.root.parent) as found:
        yield found


@pytest.fixture
def page(address: str, new_page: Callable[[], Page]) -> Page:
    """A page that is closed before its server ends."""
    return new_page()


def open_form(page: Page, address: str) -> None:
    """Opens the tab once the page knows its study, and waits until the form does."""
    page.goto(address)
    page.get_by_text("Images, but no evidence yet").locator("visible=true").wait_for()
    page.get_by_role("tab", name="Readers").click()
    page.locator("#reading-sets input:checked").first.wait_for()


def link_of(page: Page) -> dict[str, str]:
    """Reader -> token, of the links on the page."""
    text = page.locator("#links textarea").input_value()
    return dict(re.findall(r"^(\S+)  http://127\.0\.0\.1:\d+/read/\?reader=(\S+)$", text, re.M))


def answer(study: StudyPaths, token: str, step: int) -> None:
    reader = readings.find_reader([study], token)
    assert reader is not None
    while not (place := readings.place(reader)).complete:
        given = {"source": step, "pathology": step}
        readings.submit(reader, readings.Answer(place.showings[0], f"{place.showings[0]}-s", given, 2.0))


@pytest.mark.slow
def test_a_reading_from_its_design_to_its_results(page: Page, address: str, study: StudyPaths) -> None:
    open_form(page, address)
    page.get_by_label("Real images, per set and class").fill("4")
    page.get_by_label("Synthetic images, per iteration and class").fill("3")
    plan = page.locator("#reading-plan")
    playwright.expect(plan).to_contain_text("8 real and 12 synthetic images")
    playwright.expect(plan).to_contain_text("copies were not looked for yet")
    page.locator("#reading-codes").get_by_role("textbox").fill("A1, B2")
    page.get_by_role("button", name="Create the reading and its links").click()
    playwright.expect(page.locator("#links")).to_be_visible()
    tokens = link_of(page)
    assert set(tokens) == {"A1", "B2"}

    answer(study, tokens["A1"], 6)
    answer(study, tokens["B2"], 5)
    page.get_by_role("button", name="Refresh").click()
    results = page.locator("#reading-results")
    playwright.expect(results).to_contain_text("Synthetic, judged real by all: 12")
    playwright.expect(results.locator(".pst-pictures img").first).to_be_visible()
    for heading in (
        "Judged real",
        "Told apart, recognised, rated",
        "Agreement between readers",
        "Learning and fatigue",
    ):
        playwright.expect(results).to_contain_text(heading)
    with page.expect_download() as download:
        results.get_by_role("link", name="readings.csv").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 1 + 2 * 22

    page.get_by_role("button", name="New link").click()
    playwright.expect(page.locator("#links textarea")).to_have_value(re.compile(r"^A1  \S+$"))
    renewed = link_of(page)["A1"]
    assert readings.find_reader([study], tokens["A1"]) is None
    assert readings.find_reader([study], renewed)
    page.get_by_role("button", name="Revoke link").click()
    playwright.expect(results).to_contain_text("revoked")
    assert readings.find_reader([study], renewed) is None

    page.get_by_role("button", name="Change the chosen reading to this").click()
    playwright.expect(page.locator("#reading-choice input")).to_have_value(re.compile("version 2"))
    assert set(link_of(page)) == {"A1", "B2"}
    assert readings.find_reader([study], tokens["B2"]) is None
    assert [(stored.version, stored.closed) for stored in readings.list_designs(study)] == [(2, False), (1, True)]


def test_a_form_that_does_not_do_says_so_before_anything_is_made(page: Page, address: str, study: StudyPaths) -> None:
    open_form(page, address)
    page.get_by_label("Real images, per set and class").fill("99")
    playwright.expect(page.locator("#reading-plan")).to_contain_text("99 images asked for, 8 there")
    playwright.expect(page.locator("#reading-results")).to_contain_text("No reading yet.")
    assert not study.readings.exists()
