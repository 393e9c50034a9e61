"""The Iterations tab as its tests drive it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from polypstudio.store.paths import StudyPaths

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS = [160 * (i + 1) for i in range(8)]


def open_iterations(page: Page, address: str, query: str = "study=generated") -> None:
    """Opens the tab and waits until all of it is drawn."""
    page.goto(f"{address}/?{query}")
    page.locator(".ps-iterations[data-a]").wait_for()
    page.locator(".ps-map-plot[data-set]").wait_for()


def wait_for_a(page: Page, step: int) -> None:
    page.locator(f'.ps-iterations[data-a="{step}"]').wait_for()


def wait_for_address(page: Page, *parts: str) -> str:
    """The query of the page's address, once it holds these parts: it is kept up to date when the hand rests."""
    page.wait_for_function("(parts) => parts.every((part) => location.search.includes(part))", arg=list(parts))
    return urlsplit(page.url).query


def file_of(study: StudyPaths, address: str) -> Path:
    """The file on disk that an image's address names."""
    *_, kind, name, label, index = urlsplit(address).path.split("/")
    if kind == "real":
        return study.root / "data" / name / label / f"{int(index):05d}.png"
    return study.sample(int(name), label, int(index))


def points_on_screen(page: Page) -> list[dict]:
    """All points of the map: the image's name, and where on the page it is drawn."""
    return page.evaluate(
        """() => {
          const plot = document.querySelector(".ps-map-plot");
          const { xaxis, yaxis } = plot._fullLayout;
          const box = plot.querySelector(".nsewdrag").getBoundingClientRect();
          return plot.data.flatMap((trace) => [...trace.x].map((x, i) => ({
            name: trace.customdata[i].join("/"), x: box.left + xaxis.d2p(x), y: box.top + yaxis.d2p(trace.y[i]),
          })));
        }"""
    )
