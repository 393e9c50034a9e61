"""The map in a real browser: it shows the right image, catches what it encloses, and can be coloured and aligned."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from iterations_page import STEPS, file_of, open_iterations, points_on_screen, wait_for_a, wait_for_address

from polypstudio.store.paths import StudyPaths, iteration_set
from polypstudio.store.studies import load_manifest

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect

CLEAR = 2.5  # px between the line of a lasso and any point
SAME = 1.0  # px: points nearer than this to each other are in one place


def hover_and_read(page: Page, x: float, y: float, names: list[str]) -> str:
    """The address of the thumbnail that is shown with the mouse at a place, once it is that of one of ``names``."""
    page.mouse.move(x, y)
    shown = page.wait_for_function(
        """(names) => {
          const hover = document.querySelector(".ps-hover");
          const source = hover.hidden ? null : hover.querySelector("img")?.src;
          return source && names.includes(source.split("/image/")[1].split("?")[0]) && source;
        }""",
        arg=names,
    )
    return shown.json_value()


def walk(page: Page, study: StudyPaths, step: int) -> set[str]:
    """Points the mouse at each point of the map in turn; returns the names of those whose image was shown.

    The bytes of what is shown are those that the iteration's manifest names.
    """
    hashes = load_manifest(study, step).hashes
    points = points_on_screen(page)
    seen = set()
    for point in points:
        under = [p["name"] for p in points if hypot(p["x"] - point["x"], p["y"] - point["y"]) < SAME]
        source = hover_and_read(page, point["x"], point["y"], under)
        name = source.split("/image/")[1].split("?")[0]
        served = hashlib.sha256(page.request.get(source).body()).hexdigest()
        if name.startswith("iterations/"):
            assert name.startswith(iteration_set(step))
            assert served == hashes[f"samples/{'/'.join(name.split('/')[2:-1])}/{int(name.split('/')[-1]):05d}.png"]
        else:
            assert served == hashlib.sha256(file_of(study, source).read_bytes()).hexdigest()
        seen.add(name)
    return seen


def test_each_point_of_the_map_shows_its_own_image(page: Page, address: str, studies: Path) -> None:
    open_iterations(page, address, "study=generated&a=480")
    seen = walk(page, StudyPaths(studies / "generated"), 480)
    assert len(seen) > 0.8 * len(points_on_screen(page))


@pytest.mark.slow
def test_each_point_of_each_iteration_shows_its_own_image(page: Page, address: str, studies: Path) -> None:
    open_iterations(page, address, f"study=generated&a={STEPS[0]}")
    for step in STEPS:
        wait_for_a(page, step)
        page.locator(f'.ps-map-plot[data-set="{iteration_set(step)}"]').wait_for()
        seen = walk(page, StudyPaths(studies / "generated"), step)
        assert len([name for name in seen if name.startswith(iteration_set(step))]) > 16
        page.mouse.move(5, 5)
        page.keyboard.press("ArrowRight")


def between_points(wanted: float, positions: list[float]) -> float:
    """The place nearest to ``wanted`` that no point is close to: plotly rounds the corners of a line by a pixel or two."""
    nearest = sorted(range(-60, 61), key=abs)
    return next(wanted + d for d in nearest if all(abs(wanted + d - position) > CLEAR for position in positions))


def lasso(page: Page, left: float, right: float, top: float, bottom: float) -> list[str]:
    """Draws a line around a part of the map, given as shares of it; returns the names of the images inside."""
    box = page.locator(".ps-map-plot .nsewdrag").bounding_box()
    assert box
    points = points_on_screen(page)
    xs, ys = [point["x"] for point in points], [point["y"] for point in points]
    left, right = (between_points(box["x"] + share * box["width"], xs) for share in (left, right))
    top, bottom = (between_points(box["y"] + share * box["height"], ys) for share in (top, bottom))
    inside = [point["name"] for point in points if left < point["x"] < right and top < point["y"] < bottom]
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    page.locator(".ps-gallery[open]").wait_for()
    return sorted(inside)


def caught(page: Page) -> list[str]:
    sources = page.eval_on_selector_all(".ps-gallery .ps-tile img", "images => images.map((image) => image.src)")
    return sorted(source.split("/image/")[1].split("?")[0] for source in sources)


def test_lasso_catches_exactly_what_it_encloses(page: Page, address: str) -> None:
    open_iterations(page, address)
    inside = lasso(page, 0.2, 0.7, 0.15, 0.65)
    assert caught(page) == inside
    assert len(inside) > 5
    expect(page.locator(".ps-gallery h2")).to_contain_text(f"{len(inside)} images")
    synthetic = [name for name in inside if name.startswith("iterations/")]
    expect(page.locator(".ps-gallery h2")).to_contain_text(f"{100 * len(synthetic) / len(inside):.0f} % synthetic")


def test_what_was_caught_can_be_taken_along(page: Page, address: str, studies: Path) -> None:
    open_iterations(page, address)
    inside = lasso(page, 0.1, 0.6, 0.1, 0.6)
    page.get_by_label("with the nearest real training image").check()
    synthetic = [name for name in inside if name.startswith("iterations/")]
    expect(page.locator(".ps-beside img")).to_have_count(len(synthetic))
    with page.expect_download() as table:
        page.get_by_role("button", name="Table (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(Path(table.value.path()).read_text())))
    assert sorted(f"{row['image_set']}/{row['class']}/{row['index']}" for row in rows) == inside
    with page.expect_download() as archive:
        page.get_by_role("button", name="Images and table (ZIP)").click()
    study = StudyPaths(studies / "generated")
    with zipfile.ZipFile(archive.value.path()) as content:
        for row in rows:
            assert (
                content.read(row["file"])
                == file_of(study, f"/{row['image_set']}/{row['class']}/{row['index']}").read_bytes()
            )


def test_all_images_are_in_the_gallery_without_a_mouse(page: Page, address: str) -> None:
    open_iterations(page, address)
    page.get_by_role("button", name="lasso → gallery").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ps-gallery h2")).to_contain_text("72 images, 33 % synthetic")
    assert caught(page) == sorted(point["name"] for point in points_on_screen(page))
    page.keyboard.press("Escape")
    expect(page.locator(".ps-gallery")).not_to_be_visible()


def colours(page: Page) -> dict[str, set[str]]:
    """By kind of image (real/train/ad …): the colours of its points."""
    return {
        kind: set(found)
        for kind, found in page.evaluate(
            """() => document.querySelector(".ps-map-plot").data.filter((trace) => trace.x.length).map((trace) =>
              [trace.customdata[0].slice(0, 2).join("/"), [].concat(trace.marker.color)])"""
        )
    }


def test_points_are_coloured_by_what_is_chosen(page: Page, address: str) -> None:
    open_iterations(page, address, "study=mapped&a=320&map=reference")
    expect(page.locator('.ps-map-plot[data-alignment="reference"]')).to_be_attached()
    choose = page.get_by_label("Colour by")
    by_class = colours(page)
    assert by_class["real/train/ad"] == by_class["iterations/000320/ad"] != by_class["real/train/non_ad"]
    choose.select_option("source")
    expect(page.locator(".ps-legend")).to_have_text("realsynthetic")
    by_source = colours(page)
    assert by_source["real/train/ad"] == by_source["real/test/non_ad"] != by_source["iterations/000320/ad"]
    choose.select_option("classifier")
    expect(page.locator(".ps-legend")).to_contain_text("always wrong")
    by_error = colours(page)
    assert len(by_error["real/test/ad"]) > 1  # some are named rightly, some wrongly
    assert len(by_error["real/train/ad"]) == 1  # not judged
    page.keyboard.press("Tab")
    assert page.get_by_label("Colour by").locator("option[value=readers]").is_disabled()
    wait_for_address(page, "colour=classifier")


def test_a_colour_that_shows_nothing_says_why_and_where_it_does(page: Page, address: str) -> None:
    """Classifiers are judged on held-out images, which the joint map does not hold and that of the real ones does."""
    open_iterations(page, address, "study=mapped&a=320&colour=classifier")
    expect(page.locator(".ps-legend")).to_contain_text("nothing is coloured: these images are on another map")
    page.get_by_role("button", name="show the t-SNE of the real").click()
    expect(page.locator('.ps-map-plot[data-alignment="reference"]')).to_be_attached()
    expect(page.locator(".ps-legend")).not_to_contain_text("nothing is coloured")
    assert len(colours(page)["real/test/ad"]) > 1


def test_a_colour_that_no_map_can_show_cannot_be_chosen(page: Page, address: str) -> None:
    open_iterations(page, address, "study=generated&a=320")
    option = page.get_by_label("Colour by").locator("option[value=classifier]")
    assert option.is_disabled()
    assert "the held-out images it judged are on no map" in option.inner_text()


def test_each_alignment_is_its_own_map(page: Page, address: str) -> None:
    open_iterations(page, address, "study=mapped&a=320")
    places = {}
    for alignment in ("joint", "reference", "iteration"):
        page.get_by_label("Alignment of the map").select_option(alignment)
        expect(page.locator(f'.ps-map-plot[data-alignment="{alignment}"]')).to_be_attached()
        expect(page.locator(".ps-map-numbers")).to_contain_text("trustworthiness 0.91")
        places[alignment] = page.evaluate("JSON.stringify(document.querySelector('.ps-map-plot').data.map((t) => t.x))")
    assert len(set(places.values())) == 3
    page.locator(".ps-sentence").click()  # out of the choice, where arrow keys are the browser's own
    page.keyboard.press("ArrowRight")
    wait_for_a(page, 480)


def test_the_map_is_exported_as_shapes(page: Page, address: str) -> None:
    open_iterations(page, address)
    page.get_by_label("Export the map").click()
    with page.expect_download() as drawing:
        page.locator(".ps-map .ps-menu-list").get_by_text("SVG").click()
    text = Path(drawing.value.path()).read_text()
    keys = 4  # of the legend
    assert text.count('class="point') == len(points_on_screen(page)) + keys
    assert "<image" not in text
    assert "generated, iteration 1280" in text
