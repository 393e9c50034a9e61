"""The Iterations tab without a mouse, and for those who do not see it as others do."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from iterations_page import STEPS, open_iterations, wait_for_a, wait_for_address

from polypstudio.findings import paper

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect

AXE = "axe-core@4.14.1"


def test_keyboard_alone(page: Page, address: str) -> None:
    """A and B are moved, swapped and linked, a sample is opened, swiped, followed and closed: all by keys."""
    open_iterations(page, address, "study=generated&a=480&b=160")
    host = page.locator(".ps-iterations")
    page.get_by_role("tab", name="Iterations").focus()
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
        )
    assert {
        "Iteration A",
        "Iteration B",
        "Next iteration (→)",
        "Play",
        "Swap",
        "Link B",
        "how is this made?",
    } <= reached
    page.get_by_role("slider", name="Iteration A").focus()
    page.keyboard.press("ArrowRight")
    wait_for_a(page, 640)
    page.keyboard.press("x")
    wait_for_a(page, 160)
    expect(host).to_have_attribute("data-b", "640")
    page.locator(".ps-pane .ps-tile").nth(1).focus()
    page.keyboard.press("Enter")
    title = page.locator(".ps-viewer h2")
    expect(title).to_have_text("synthetic AD, iteration 160, sample 1")
    page.keyboard.press("s")
    divider = page.get_by_role("slider", name="Divider: A 160 to the left, B 640 to the right")
    expect(divider).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(divider).to_have_value("51")
    page.keyboard.press("s")
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("synthetic AD, iteration 320, sample 1")
    page.keyboard.press("Escape")
    expect(page.locator(".ps-viewer")).not_to_be_visible()


def test_a_tile_keeps_the_focus_while_one_scrubs(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&a=320")
    tile = page.locator(".ps-pane .ps-tile").nth(1)
    tile.focus()
    page.keyboard.press("ArrowRight")
    wait_for_a(page, 480)
    expect(tile).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".ps-viewer h2")).to_have_text("synthetic AD, iteration 480, sample 1")


def test_space_plays_and_stops(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&a=160")
    page.locator(".ps-sentence").click()
    page.keyboard.press("Space")
    wait_for_a(page, 480)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_the_divider_parts_the_two_images(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&a=1280&b=160")
    page.locator(".ps-pane .ps-tile").first.click()
    page.get_by_role("button", name="Swipe between A and B").click()
    box = page.locator(".ps-swipe").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, middle, steps=5)
    page.mouse.up()
    assert 15 < float(page.locator(".ps-swipe input").input_value()) < 35
    left, right = (image.get_attribute("src") or "" for image in page.locator(".ps-swipe img").all())
    assert "/iterations/001280/ad/0" in left
    assert "/iterations/000160/ad/0" in right


def test_nothing_moves_while_one_scrubs(page: Page, address: str) -> None:
    open_iterations(page, address, f"study=generated&a={STEPS[0]}")
    tops = set()
    for step in STEPS:
        wait_for_a(page, step)
        tops.add(page.evaluate("document.querySelector('.ps-map-plot').getBoundingClientRect().top"))
        page.keyboard.press("ArrowRight")
    assert len(tops) == 1


def test_the_whole_view_is_in_the_address(page: Page, address: str) -> None:
    asked = "study=mapped&a=320&b=160&map=iteration&colour=source&lines=quality&link=1&real=0&samples=1"
    open_iterations(page, address, asked)
    assert page.get_by_label("Alignment of the map").input_value() == "iteration"
    assert page.get_by_label("Colour by").input_value() == "source"
    expect(page.get_by_role("button", name="Link B")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Real images")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".ps-chart figcaption").first).to_contain_text("Coverage")
    wait_for_address(page, "encoder=", *asked.split("&"))


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """axe-core's script, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm: axe-core cannot be had")
    folder = tmp_path_factory.mktemp("npm")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", AXE]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip(f"npm could not install {AXE}: {installed.stderr.strip()[-200:]}")
    return script


def violations(page: Page, axe: Path, part: str) -> list[str]:
    """What axe-core calls serious or critical within a part of the page."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=axe)
    found = page.evaluate("async (part) => (await axe.run(part)).violations", part)
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(new_page: Callable[[], Page], address: str, axe: Path, scheme: str) -> None:
    page = new_page()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_iterations(page, address, "study=mapped&a=320&b=160")
    assert ("dark" in (page.locator("body").get_attribute("class") or "")) == (scheme == "dark")
    assert violations(page, axe, "#iterations") == []
    page.locator(".ps-pane .ps-tile").first.click()
    page.get_by_role("button", name="Swipe between A and B").click()
    assert violations(page, axe, ".ps-viewer") == []
    page.keyboard.press("Escape")
    for button, dialog in (
        ("Sheet", ".ps-sheet-dialog"),
        ("Generate here", ".ps-generate"),
        ("lasso → gallery", ".ps-gallery"),
        ("how is this made?", ".ps-help"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        page.locator(f"{dialog}[open]").wait_for()
        assert violations(page, axe, dialog) == []
        page.keyboard.press("Escape")
    tables = new_page()  # leaving a page whose requests are under way is an error to Gradio
    tables.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    tables.goto(f"{address}/?study={paper.NAME}")
    tables.locator(".ps-paper[data-a]").wait_for()
    assert violations(tables, axe, "#iterations") == []
