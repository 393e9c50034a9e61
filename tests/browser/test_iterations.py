"""The Iterations tab in a real browser: one control drives the images, the map, the matrix and the chart."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from iterations_page import STEPS, file_of, open_iterations, wait_for_a, wait_for_address
from PIL import Image

from polypstudio.store.paths import StudyPaths

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect

TABS = ("Study", "Fine-tune", "Iterations", "Augmentation", "Readers", "Findings")


def shown(page: Page) -> dict[str, str]:
    """What each part shows at the moment."""
    return {
        "samples": page.locator(".ps-pane").first.locator("img").first.get_attribute("src") or "",
        "map": page.locator(".ps-map-plot").get_attribute("data-set") or "",
        "points": str(page.evaluate("document.querySelector('.ps-map-plot').data.at(-1).x")),
        "matrix": page.locator(".ps-matrix tbody:visible").inner_text(),
        "sentence": page.locator(".ps-sentence").inner_text(),
    }


def test_all_tabs_open_quietly(page: Page, address: str) -> None:
    open_iterations(page, address)
    for name in TABS:
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_timeout(300)
    page.get_by_role("tab", name="Iterations", exact=True).click()
    expect(page.locator(".ps-sentence")).to_be_visible()


def test_one_key_moves_all_parts(page: Page, address: str) -> None:
    open_iterations(page, address)
    before = shown(page)
    page.keyboard.press("ArrowLeft")
    wait_for_a(page, STEPS[-2])
    after = shown(page)
    assert {part for part in before if before[part] == after[part]} == set()
    assert after["map"] == "iterations/001120"
    assert "At 1120" in after["sentence"]


def test_keys_move_swap_and_link(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&a=480&b=160")
    host = page.locator(".ps-iterations")
    page.keyboard.press("x")
    wait_for_a(page, 160)
    expect(host).to_have_attribute("data-b", "480")
    page.keyboard.press("l")
    page.keyboard.press("ArrowRight")
    wait_for_a(page, 320)
    expect(host).to_have_attribute("data-b", "640")
    page.keyboard.press("End")
    wait_for_a(page, STEPS[-1])


def test_handles_are_sliders(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&a=480&b=160")
    handle = page.get_by_role("slider", name="Iteration B")
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuetext", "iteration 320")
    expect(page.locator(".ps-iterations")).to_have_attribute("data-a", "480")


def test_a_view_can_be_sent_to_a_colleague(page: Page, address: str, new_page: Callable[[], Page]) -> None:
    open_iterations(page, address)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    wait_for_a(page, 320)
    query = wait_for_address(page, "a=320")
    other = new_page()
    open_iterations(other, address, query)
    assert shown(other) == shown(page)


def test_two_visitors_do_not_disturb_each_other(address: str, new_page: Callable[[], Page]) -> None:
    first, second = new_page(), new_page()
    open_iterations(first, address, "study=generated&a=160")
    open_iterations(second, address, "study=generated&a=960")
    second.keyboard.press("ArrowRight")
    wait_for_a(second, 1120)
    assert first.locator(".ps-iterations").get_attribute("data-a") == "160"


def test_shown_images_are_those_on_disk(page: Page, address: str, studies: Path) -> None:
    open_iterations(page, address, "study=generated&a=640&b=160")
    study = StudyPaths(studies / "generated")
    sources = page.eval_on_selector_all(".ps-samples img", "images => images.map((image) => image.src)")
    assert len(sources) == len(set(sources)) > 8
    for source in sources:
        file = file_of(study, source)
        served = page.request.get(source).body()
        assert hashlib.sha256(served).digest() == hashlib.sha256(file.read_bytes()).digest(), source


def test_what_has_been_seen_asks_no_server(page: Page, address: str) -> None:
    open_iterations(page, address)
    for step in reversed(STEPS[:-1]):
        page.keyboard.press("ArrowLeft")
        wait_for_a(page, step)
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    page.wait_for_timeout(500)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for step in STEPS[1:]:
        page.keyboard.press("ArrowRight")
        wait_for_a(page, step)
    wait_for_address(page, f"a={STEPS[-1]}")
    assert [url for url in asked if "heartbeat" not in url and not url.endswith("/stamp")] == []
    clips = page.eval_on_selector_all("[clip-path]", "all => all.map((each) => each.getAttribute('clip-path'))")
    assert all(clip.startswith("url(#") for clip in clips)  # by an address, they would be fetched once it has changed


def test_the_page_opens_with_one_view(page: Page, address: str) -> None:
    """The view is asked for before the header is there, and not again when the header has chosen the same."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    open_iterations(page, address, "study=generated&reference=held_out")
    expect(page.get_by_role("combobox", name="Reference")).to_have_value("held out (48)")
    expect(page.locator(".ps-matrix")).to_be_visible()
    page.wait_for_timeout(1000)
    assert [path for path in asked if path.endswith("/iterations")] == ["/opening/iterations"]


def test_large_view_follows_one_noise_through_the_iterations(page: Page, address: str) -> None:
    open_iterations(page, address)
    page.locator(".ps-pane").first.locator(".ps-tile").nth(2).click()
    title = page.locator(".ps-viewer h2")
    expect(title).to_have_text("synthetic AD, iteration 1280, sample 2")
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text("synthetic AD, iteration 1120, sample 2")
    page.keyboard.press("Escape")
    expect(title).not_to_be_visible()


def test_every_number_can_be_explained(page: Page, address: str) -> None:
    open_iterations(page, address)
    page.locator(".ps-matrix td button").first.click()
    help_text = page.locator(".ps-help")
    expect(help_text).to_contain_text("12 synthetic and 24 real images")
    expect(help_text).to_contain_text("the floor (")
    expect(help_text).to_contain_text("(separation ")
    page.keyboard.press("Escape")
    page.get_by_text("how is this made?").locator("visible=true").click()
    expect(help_text).to_contain_text("Class alignment A")
    expect(help_text).to_contain_text("bootstrap draws over groups")


def test_a_click_on_the_chart_jumps_there(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&a=1280")
    drawing = page.locator(".ps-plot svg").first
    page.locator(".ps-column").nth(2).click()
    wait_for_a(page, 480)
    assert drawing.locator(".ps-at-a").get_attribute("x1") != drawing.locator(".ps-at-b").get_attribute("x1")
    with page.expect_download() as figure:
        page.get_by_label("Export these figures").click()
        page.locator(".ps-chart .ps-menu-list").get_by_text("SVG").click()
    text = Path(figure.value.path()).read_text()
    assert text.count("<path") == 7  # four KIDs, two margins, alignment
    assert "Class alignment A" in text
    assert 'class="' not in text  # its look is inside


@pytest.mark.parametrize(
    ("menu", "part", "words"),
    [
        ("Export the map", ".ps-map", ["generated, iteration 1280"]),
        ("Export the matrix", ".ps-matrix", ["real AD, n 24", "synthetic Non-AD", "n 12", "margin", "separation"]),
        ("Export these figures", ".ps-chart", ["Margins", "Class alignment A"]),
    ],
)
def test_every_figure_is_exported_as_svg_and_png(
    page: Page, address: str, menu: str, part: str, words: list[str]
) -> None:
    open_iterations(page, address, "study=generated&a=1280")
    content = {}
    for kind in ("SVG", "PNG"):
        page.get_by_label(menu).click()
        with page.expect_download() as figure:
            page.locator(f"{part} .ps-menu-list").get_by_text(kind, exact=True).click()
        assert figure.value.suggested_filename.endswith(f".{kind.lower()}")
        content[kind] = Path(figure.value.path()).read_bytes()
    text = " ".join(ElementTree.fromstring(content["SVG"]).itertext())
    assert [each for each in words if each not in text] == []
    with Image.open(io.BytesIO(content["PNG"])) as picture:
        assert picture.width > 900
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20  # something is drawn on the ground


def test_the_sheet_is_exported_as_svg_and_png(page: Page, address: str) -> None:
    open_iterations(page, address)
    page.get_by_role("button", name="Sheet", exact=True).click()
    page.wait_for_function("document.querySelector('.ps-sheet').naturalWidth > 0")
    for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as figure:
            page.get_by_role("link", name=f"Save the {kind}").click()
        assert figure.value.suggested_filename == f"generated-sheet.{kind.lower()}"
        assert Path(figure.value.path()).read_bytes().startswith(start)


def test_coverage_and_agreement_have_intervals_or_say_that_they_have_none(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&lines=quality")
    for name in ("Coverage", "k-NN agreement"):
        figure = page.locator(".ps-chart figure").filter(has_text=name)
        expect(figure.locator(".ps-whisker")).to_have_count(2 * len(STEPS))
        assert "(CI " in (figure.locator(".ps-column title").first.text_content() or "")
        assert "Its CI says what other" in (figure.locator("figcaption").get_attribute("title") or "")
    older = page.context.new_page()
    open_iterations(older, address, "study=mapped&lines=quality")
    expect(older.locator(".ps-chart figcaption").filter(has_text="Coverage")).to_contain_text("no CI")


def test_intervals_of_margins_are_shown_whole(page: Page, address: str) -> None:
    """They may be several times as long as the lines move: then that is what the figure has to show."""
    open_iterations(page, address)
    figure = page.locator(".ps-chart figure").filter(has_text="Margins")
    ends = figure.locator(".ps-whisker").evaluate_all(
        "lines => lines.flatMap((e) => [+e.getAttribute('y1'), +e.getAttribute('y2')])"
    )
    height = figure.locator("svg").evaluate("drawing => drawing.clientHeight")
    assert len(ends) == 2 * 2 * len(STEPS)
    assert min(ends) > 10
    assert max(ends) < height - 20


def test_it_fits_the_window(page: Page, address: str) -> None:
    open_iterations(page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate("document.querySelector('.ps-matrix').getBoundingClientRect().bottom") <= 800


def test_dark_is_kept(page: Page, address: str) -> None:
    open_iterations(page, address)
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.dark")).to_be_attached()
    open_iterations(page, address)
    expect(page.locator("body.dark")).to_be_attached()


@pytest.mark.parametrize(
    ("study", "words"), [("unevaluated", "Images, but no evidence yet"), ("without-iterations", "No iterations yet")]
)
def test_empty_states_say_what_to_do(page: Page, address: str, study: str, words: str) -> None:
    page.goto(f"{address}/?study={study}")
    expect(page.get_by_text(words).locator("visible=true")).to_be_visible()
    expect(page.locator(".ps-iterations code").first).to_contain_text("polypstudio ")


def test_another_study_is_shown_when_chosen(page: Page, address: str) -> None:
    open_iterations(page, address)
    page.get_by_role("combobox", name="Study").click()
    page.get_by_role("option", name="unevaluated").click()
    expect(page.get_by_text("Images, but no evidence yet").locator("visible=true")).to_be_visible()
    expect(page.get_by_text("phantom, not patients")).to_be_visible()
