"""The Iterations tab on studies that are small, broken, or being written at this moment; and in several tabs at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from iterations_page import open_iterations, wait_for_a
from servers import serving
from study_factory import ENCODER, generated_study

from polypstudio.records import KidResult
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result, result_path, save_result
from polypstudio.store.studies import load_index, load_manifest, save_index, save_manifest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
expect = pytest.importorskip("playwright.sync_api").expect


PATIENCE = 90_000  # ms; the machine may be busy
NAMES_THAT_COVER_EACH_OTHER = """figures => figures.flatMap((figure) => {
  const boxes = [...figure.querySelectorAll('.ps-mark-label:not(:empty)')].map((e) => [e.textContent, e.getBoundingClientRect()]);
  const cover = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
  return boxes.flatMap(([name, a], i) => boxes.slice(i + 1).filter(([, b]) => cover(a, b)).map(([other]) => `${name}, ${other}`));
})"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faulty")


@pytest.fixture(scope="module")
def own_address(root: Path) -> Iterator[str]:
    with serving(root) as found:
        yield found


@pytest.fixture
def forgiving(browser: Browser) -> Iterator[Page]:
    """A page whose visitor expects a missing file: refused requests do not fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def test_one_iteration(page: Page, root: Path, own_address: str) -> None:
    generated_study(root, "one", iterations=1, per_class=6)
    open_iterations(page, own_address, "study=one")
    for key in ("ArrowLeft", "ArrowRight", "Home", "End", "x", "Space"):
        page.keyboard.press(key)
    expect(page.locator(".ps-iterations")).to_have_attribute("data-a", "160")
    expect(page.locator(".ps-iterations")).to_have_attribute("data-b", "160")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_disabled()
    expect(page.locator(".ps-chart svg")).to_have_count(3)
    covering = page.locator(".ps-chart svg").evaluate_all(NAMES_THAT_COVER_EACH_OTHER)
    assert covering == [], "names of bands and marks are printed over each other"


def test_only_one_class(page: Page, root: Path, own_address: str) -> None:
    study = generated_study(root, "adenomas", iterations=2, per_class=4, real=4, results=False)
    save_index(study, [image for image in load_index(study) if image.label == "ad"])
    for step in (160, 320):
        manifest = load_manifest(study, step)
        shutil.rmtree(study.samples(step) / "non_ad")
        hashes = {name: value for name, value in manifest.hashes.items() if "/non_ad/" not in name}
        save_manifest(study, manifest.model_copy(update={"counts": {"ad": 4}, "hashes": hashes}))
    page.goto(f"{own_address}/?study=adenomas")
    wait_for_a(page, 320)
    expect(page.locator(".ps-pane").first.locator("img:visible")).to_have_count(4)
    expect(page.locator(".ps-pane h3").first).to_contain_text("n 4 + 0")
    page.keyboard.press("ArrowLeft")
    wait_for_a(page, 160)
    expect(page.get_by_text("Images, but no evidence yet").locator("visible=true")).to_be_visible()


def test_a_tile_without_a_sample_names_none(page: Page, root: Path, own_address: str) -> None:
    """Also when it has just shown one."""
    study = generated_study(root, "fewer", iterations=2, per_class=4, results=False)
    study.sample(320, "ad", 3).unlink()
    manifest = load_manifest(study, 320)
    hashes = {name: value for name, value in manifest.hashes.items() if not name.endswith("/ad/00003.png")}
    save_manifest(study, manifest.model_copy(update={"counts": manifest.counts | {"ad": 3}, "hashes": hashes}))
    page.goto(f"{own_address}/?study=fewer&a=160")
    wait_for_a(page, 160)
    tile = page.locator(".ps-pane").first.locator(".ps-tile").nth(3)
    expect(tile).to_have_attribute("title", "synthetic AD, iteration 160, sample 3")
    page.keyboard.press("ArrowRight")
    wait_for_a(page, 320)
    expect(tile).to_have_attribute("title", "no sample here")
    expect(tile).to_be_disabled()


def test_a_missing_image_is_said_to_be_missing(forgiving: Page, root: Path, own_address: str) -> None:
    study = generated_study(root, "gaps", iterations=2, per_class=4)
    study.sample(320, "ad", 1).unlink()
    open_iterations(forgiving, own_address, "study=gaps")
    tiles = forgiving.locator(".ps-pane").first.locator(".ps-tile")
    expect(tiles.nth(1).get_by_text("file missing")).to_be_visible()
    expect(forgiving.locator(".ps-pane").first.locator("img:visible")).to_have_count(7)
    forgiving.keyboard.press("ArrowLeft")
    wait_for_a(forgiving, 160)
    expect(forgiving.locator(".ps-pane").first.locator("img:visible")).to_have_count(8)
    expect(tiles.nth(1).get_by_text("file missing")).to_be_hidden()


def test_what_a_running_job_writes_is_seen_without_a_reload(forgiving: Page, root: Path, own_address: str) -> None:
    """Results are rewritten, torn for a moment, and an iteration comes in, while A stays where the visitor has put it."""
    page = forgiving
    study = generated_study(root, "live", iterations=3, per_class=4)
    open_iterations(page, own_address, "study=live&a=320&b=160&colour=source")
    kid = load_result(study, KidResult, ENCODER)
    assert kid is not None
    file = result_path(study, KidResult, ENCODER)
    with page.expect_response(lambda answer: answer.status == 409):
        file.write_text('{"schema_version": 1, "subs')  # torn: by another program, or a full disk
    expect(page.locator(".ps-matrix td b:visible").first).to_be_visible()  # what was there is better than nothing
    save_result(study, ENCODER, _with_first_cell(kid, 0.777))
    expect(page.locator(".ps-matrix")).to_contain_text("0.78")
    _copy_iteration(study, 480, 640)
    expect(page.locator(".ps-tick")).to_have_count(4)
    expect(page.locator(".ps-iterations")).to_have_attribute("data-a", "320")
    assert page.get_by_label("Colour by").input_value() == "source"


def test_an_iteration_that_is_being_rewritten_is_gone_back_to(page: Page, root: Path, own_address: str) -> None:
    study = generated_study(root, "resampled", iterations=3, per_class=4)
    open_iterations(page, own_address, "study=resampled&a=320&b=160")
    manifest = load_manifest(study, 320)
    study.manifest(320).unlink()
    expect(page.locator(".ps-iterations")).to_have_attribute("data-a", "480")
    save_manifest(study, manifest)
    expect(page.locator(".ps-iterations")).to_have_attribute("data-a", "320")


def test_two_tabs_of_one_browser_keep_to_their_own_iterations(page: Page, address: str) -> None:
    other = page.context.new_page()
    open_iterations(page, address, "study=generated&a=160")
    open_iterations(other, address, "study=generated&a=960&colour=source")
    other.keyboard.press("ArrowRight")
    wait_for_a(other, 1120)
    page.bring_to_front()
    page.keyboard.press("ArrowRight")
    wait_for_a(page, 320)
    expect(other.locator(".ps-iterations")).to_have_attribute("data-a", "1120")
    assert page.get_by_label("Colour by").input_value() == "class"


def _with_first_cell(kid: KidResult, value: float) -> KidResult:
    """The same result with another KID of synthetic AD against real AD at all iterations."""
    stored = kid.model_dump()
    for evidence in stored["references"]["train"]["iterations"]:
        evidence["cells"][0]["kid"] = value
    return KidResult.model_validate(stored)


def _copy_iteration(study: StudyPaths, source: int, target: int) -> None:
    """As a training leaves it: the images first, the manifest last."""
    shutil.copytree(study.samples(source), study.samples(target))
    save_manifest(study, load_manifest(study, source).model_copy(update={"iteration": target}))
