"""A real browser on a real server. Every page fails its test on an error or on a request that leaves its server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from map_factory import add_coverage, add_maps
from reading_server import Visit
from servers import serving
from study_factory import generated_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page, Request, Response

PATIENCE = 90_000  # ms; the machine may be busy
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

NewPage = Callable[..., "Page"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1))  # two slow cores; what fails once is listed as `R`


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a whole study, one without results, one without iterations, and one with all maps. No test changes it."""
    root = tmp_path_factory.mktemp("checkpoints")
    generated_study(root, "generated", per_class=12)
    generated_study(root, "unevaluated", iterations=2, per_class=2, real=4, results=False)
    generated_study(root, "without-iterations", iterations=0, real=4)
    mapped = generated_study(root, "mapped", iterations=3, per_class=4)
    add_maps(mapped)
    add_coverage(mapped)
    return root


@pytest.fixture(scope="session")
def address(studies: Path) -> Iterator[str]:
    """The dashboard over :func:`studies`."""
    with serving(studies) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: the system's if there is one, otherwise Playwright's own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        try:
            launched = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        except playwright.Error as error:
            reason = str(error).strip().splitlines()[0]
            pytest.skip(f"no Chromium ({reason}): install the package chromium, or run `playwright install chromium`")
        yield launched
        launched.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """``new_page(width, height, **context)`` gives pages of separate visitors; what went wrong fails the test."""
    contexts, wrongs = [], []

    def make(width: int = 1280, height: int = 800, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("page", lambda page: _watch(page, wrongs))  # those that a link opens, too
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert not wrongs, "\n".join(wrongs)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """One visitor's page."""
    return new_page()


# What Gradio says on a page that is left while a request is under way.
LEFT = ("console: AbortError: signal is aborted", "console: Unexpected error Connection errored out")


def _watch(page: Page, wrongs: list[str]) -> None:
    """Notes errors on the page, failed requests, and requests to any server but that of its first request."""
    home: set[str] = set()

    def navigated(frame: Frame) -> None:
        if frame == page.main_frame:
            wrongs[:] = [wrong for wrong in wrongs if not wrong.startswith(LEFT)]

    def requested(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        if not home:
            home.add(parts.netloc)
        if parts.netloc not in home or parts.hostname != "127.0.0.1":
            wrongs.append(f"left its server: {request.url}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            wrongs.append(f"{response.status}: {response.url} {response.request.post_data or ''}")

    page.on("framenavigated", navigated)
    page.on("request", requested)
    page.on("response", answered)
    page.on("pageerror", lambda error: wrongs.append(f"script error: {error}"))
    page.on("console", lambda message: message.type == "error" and wrongs.append(f"console: {message.text}"))


@pytest.fixture
def visit(new_page: NewPage) -> Callable[..., Visit]:
    """``visit(address, width, height, **context)`` opens the reading app as a reader does."""

    def open_page(address: str, *size: int, **options: Any) -> Visit:
        page = new_page(*size, **options)
        page.goto(address)
        return Visit(page)

    return open_page
