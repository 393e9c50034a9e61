"""Scrubbing through the iterations in headless Chromium: how long a key press takes, what it costs, what is shown.

    python benchmarks/scrub.py [--size small|large] [--scrubs 200] [--root FOLDER]

On generated studies (tests/study_factory.py): `small` holds 8 iterations of 2 x 64 images and 2 x 64 real ones, `large` 8 of
2 x 256 and 1,000 real ones. Each time runs from a trusted key event to the second animation frame after all shown images
are decoded, with the map and the matrix drawn. First paint and memory are taken in browsers of their own (plain_chromium.py
says why). Afterwards every iteration is visited twice more, and the pixels on the screen are compared with the files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "tests" / "browser")]

from plain_chromium import plain_page  # noqa: E402
from servers import launched  # noqa: E402
from study_factory import generated_study  # noqa: E402

from polypstudio.store.paths import StudyPaths  # noqa: E402

PROBE = Path(__file__).with_name("scrub_probe.js")
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
STUDIES: dict[str, dict[str, Any]] = {
    "small": {"per_class": 64, "real": 64, "size": 128},
    "large": {"per_class": 256, "real": 500, "size": 128},
}
BUDGET_P95 = {"small": 150, "large": 250}  # ms
BUDGET_FIRST, BUDGET_MEMORY = 3000, 600  # ms, MB
PATIENCE = 120_000
WINDOW = (1280, 800)
FIRST_PAINTS = 5
REST = 10  # seconds in which a browser puts away what two hundred keys without a pause have left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=sorted(STUDIES), action="append")
    parser.add_argument("--scrubs", type=int, default=200)
    parser.add_argument("--root", type=Path, help="where the studies stay, so that they are generated once")
    given = parser.parse_args()
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(
        f"{time.strftime('%Y-%m-%d %H:%M')} · {platform.machine()} · Python {platform.python_version()} · load {load}"
    )
    with tempfile.TemporaryDirectory() as temporary:
        root = given.root or Path(temporary)
        for name in given.size or list(STUDIES):
            if not (root / name).exists():
                generated_study(root, name, **STUDIES[name])
        with launched("serve", "--root", str(root)) as dashboard:
            for name in given.size or list(STUDIES):
                measure(dashboard.address, StudyPaths(root / name), given.scrubs)


def measure(address: str, study: StudyPaths, scrubs: int) -> None:
    """Opens the study in a browser of its own, scrubs, and prints what it took beside the budgets."""
    from playwright.sync_api import sync_playwright

    first_paints = [first_paint(address, study.name) for _ in range(FIRST_PAINTS)]
    memory = memory_of_scrubbing(address, study.name, scrubs)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        page = browser.new_page(viewport=dict(zip(("width", "height"), WINDOW, strict=True)))
        page.set_default_timeout(PATIENCE)
        page.add_init_script(PROBE.read_text())
        inspected = open_tab(page, address, study.name)
        first_visits = [press(page, "ArrowLeft") for _ in range(7)]
        for _ in range(7):
            press(page, "ArrowRight")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        times = [press(page, there_and_back(i)) for i in range(scrubs)]
        verified = 0
        for i in range(scrubs, scrubs + 14):
            press(page, there_and_back(i))
            verified += verify(page, study)
        browser.close()
    seen = [url for url in asked if "heartbeat" not in url and not url.endswith("/stamp")]
    report(study.name, (first_paints, inspected), first_visits, times, memory, verified, seen)


def first_paint(address: str, study: str) -> float:
    """Milliseconds from the start of the navigation until all of the tab is painted, in a new browser with empty caches."""
    with plain_page(CHROMIUM, PROBE.read_text(), *WINDOW) as page:
        page.send("Page.navigate", url=opening(address, study))
        return page.wait_for("window.scrub?.painted()")


def memory_of_scrubbing(address: str, study: str, scrubs: int) -> tuple[float, float]:
    """MB of a browser right after so many keys, each pressed when the one before is answered; and when it has rested."""
    with plain_page(CHROMIUM, PROBE.read_text(), *WINDOW) as page:
        page.send("Page.navigate", url=opening(address, study))
        page.wait_for("window.scrub?.painted()")
        for i in range(scrubs):
            page.press(there_and_back(i))
            page.answer("scrub.answer()")
        at_once = page.memory()
        time.sleep(REST)
        return at_once, page.memory()


def open_tab(page: Any, address: str, study: str) -> float:
    """The same under Playwright, whose inspector slows the page down while it opens."""
    page.goto(opening(address, study))
    return page.wait_for_function("scrub.painted()").json_value()


def opening(address: str, study: str) -> str:
    return f"{address}/?study={study}&a=1280&b=160"


def there_and_back(i: int) -> str:
    """The i-th key: seven iterations down, seven up."""
    return "ArrowLeft" if (i // 7) % 2 == 0 else "ArrowRight"


def press(page: Any, key: str) -> float:
    page.keyboard.press(key)
    return page.evaluate("scrub.answer()")


def verify(page: Any, study: StudyPaths) -> int:
    """Compares the decoded pixels of each image on the screen with its file; returns how many there were."""
    found = page.evaluate("scrub.pixelHashes()")
    for path, shown in found:
        *_, kind, name, label, index = path.split("/")
        file = (
            study.root / "data" / name / label / f"{int(index):05d}.png"
            if kind == "real"
            else study.sample(int(name), label, int(index))
        )
        with Image.open(file) as image:
            stored = hashlib.sha256(image.convert("RGBA").tobytes()).hexdigest()
        assert shown == stored, f"{path} shows another image than {file.name} of {name}"
    return len(found)


def report(
    name: str,
    first: tuple[list[float], float],
    visits: list[float],
    times: list[float],
    memory: tuple[float, float],
    verified: int,
    seen: list[str],
) -> None:
    p95 = float(np.percentile(times, 95))
    print(f"\n{name}: {STUDIES[name]['per_class']} images a class and iteration, {2 * STUDIES[name]['real']} real ones")
    paints, inspected = first
    beside = f"median of {len(paints)}, largest {max(paints):.0f}; {inspected:.0f} under Playwright's inspector"
    print(f"  first paint of the tab          {np.median(paints):7.0f} ms   budget {BUDGET_FIRST}; {beside}")
    print(f"  first visit of an iteration     {np.median(visits):7.0f} ms   median of {len(visits)}")
    print(f"  scrub, median of {len(times):4}           {np.median(times):7.0f} ms")
    print(f"  scrub, p95                      {p95:7.0f} ms   budget {BUDGET_P95[name]}")
    rested = f"budget {BUDGET_MEMORY}; {memory[0]:.0f} at the last key"
    print(f"  browser memory {REST} s after them  {memory[1]:7.0f} MB   {rested}")
    print(f"  requests for what has been seen {len(seen):7}      budget 0 {seen[:3] or ''}")
    print(f"  images on the screen compared with their files: {verified}, all equal")


if __name__ == "__main__":
    main()
