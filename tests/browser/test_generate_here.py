"""Drawing images on request from the page, by the real command line on the shipped tiny model."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from iterations_page import open_iterations
from PIL import Image
from servers import serving

from polypstudio.store.paths import StudyPaths

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.slow

HEAVY = ("reconstruction", "features", "training", "jobs", "generated")


@pytest.fixture(scope="module")
def root(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped study, as far as it is needed, where it may be changed."""
    root = tmp_path_factory.mktemp("generating")
    shutil.copytree(repository / "checkpoints" / "demo", root / "demo", ignore=shutil.ignore_patterns(*HEAVY))
    return root


@pytest.fixture(scope="module")
def own_address(root: Path) -> Iterator[str]:
    with serving(root) as found:
        yield found


def test_the_same_noise_at_a_and_b_live(page: Page, root: Path, own_address: str) -> None:
    open_iterations(page, own_address, "study=demo&a=1280&b=160")
    page.get_by_role("button", name="Generate here").click()
    page.locator(".ps-generate").get_by_role("button", name="Generate").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.locator(".ps-generate [role=status]")).to_have_text("Done.")
    assert page.locator(".ps-generated .ps-none").count() == 0
    sources = page.eval_on_selector_all(".ps-generated img", "images => images.map((image) => image.src)")
    assert len(sources) == 4
    study = StudyPaths(root / "demo")
    for source, (step, index) in zip(sources, [(1280, 0), (1280, 1), (160, 0), (160, 1)], strict=True):
        drawn = np.asarray(Image.open(io.BytesIO(page.request.get(source).body()))).astype(int)
        sampled = np.asarray(Image.open(study.sample(step, "ad", index))).astype(int)
        assert np.abs(drawn - sampled).max() <= 2  # the study's own words, seed and guidance: its own samples
    page.reload()  # what was drawn is found again
    page.get_by_role("button", name="Generate here").click()
    expect(page.locator(".ps-generated img")).to_have_count(4)


def test_it_can_be_cancelled_before_it_has_begun(page: Page, own_address: str) -> None:
    open_iterations(page, own_address, "study=demo&a=1280&b=160")
    page.get_by_role("button", name="Generate here").click()
    page.get_by_label("Seed").fill("99")
    page.locator(".ps-generate").get_by_role("button", name="Generate").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".ps-generate").get_by_role("button", name="Generate")).to_be_enabled()
    assert page.locator(".ps-generated img").count() < 4


def test_it_can_be_cancelled(page: Page, own_address: str) -> None:
    open_iterations(page, own_address, "study=demo&a=1280&b=160")
    page.get_by_role("button", name="Generate here").click()
    page.get_by_label("Steps").fill("100")
    page.get_by_label("Images at each iteration").fill("8")
    page.get_by_label("Prompt").fill("a colonoscopy image of a polyp")
    page.locator(".ps-generate").get_by_role("button", name="Generate").click()
    expect(page.locator(".ps-generated img").first).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".ps-generate [role=status]")).to_contain_text("of 16 images; they are kept")
    expect(page.locator(".ps-generate").get_by_role("button", name="Generate")).to_be_enabled()
    assert 0 < page.locator(".ps-generated img").count() < 16
