"""A clinician's reading in a real browser: by keyboard and touch, reloaded in the middle, and blind in every byte."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from reading_server import Server, Visit, serving_reading
from study_factory import generated_study

from polypstudio.reading.design import ReadingDesign, Stratum
from polypstudio.reading.questions import QUESTIONS
from polypstudio.store import readings
from polypstudio.ui.reading_images import create_reading

playwright = pytest.importorskip("playwright.sync_api")

STUDY = "a-study-of-seven-hills"
DESIGN = ReadingDesign(
    strata=(
        Stratum(image_set="real/test", per_class=5),
        Stratum(image_set="iterations/000160", per_class=3),
        Stratum(image_set="iterations/000320", per_class=2),
    ),
    repeats=0.1,
    block_size=8,
)
TOKEN = re.compile(r"[\w-]{22,32}")
PLACE = {"status", "position", "total", "block", "undo", "showings"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("studies")
    study = generated_study(root, STUDY, iterations=2, per_class=8, real=8, size=128, results=False)
    served = Server(root, study, create_reading(study, DESIGN))
    with serving_reading(root, True, served.replies) as served.address:
        yield served


def _walk(visited: Visit, first: int, last: int, answer: Callable[[int], None]) -> None:
    """Answers the showings ``first`` … ``last - 1`` of the design, going on at the end of each block."""
    blocks = DESIGN.n_blocks
    for position in range(first, last):
        block, inside = divmod(position, DESIGN.block_size)
        length = min(DESIGN.block_size, DESIGN.n_showings - block * DESIGN.block_size)
        if inside == 0 and block > 0:
            visited.wait_for_sheet(f"Block {block} of {blocks} done")
            visited.press("Enter")
        visited.wait_for_image(f"{inside + 1} of {length} · block {block + 1} of {blocks}")
        answer(position)


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 800, "light"), (390, 844, "dark")])
def test_a_full_reading_by_keyboard_survives_a_reload(
    server: Server, visit: Callable[..., Visit], width: int, height: int, scheme: str
) -> None:
    code = f"keyboard-{width}"
    link = server.join(code)
    visited = visit(link, width, height, color_scheme=scheme)

    def answer(position: int) -> None:
        visited.press(str(position % 7), str((position + 3) % 7))

    visited.wait_for_sheet("Reading")
    assert "128 × 128 pixels: no diagnostic image" in visited.page.inner_text(".sheet")
    assert "phantom, not a patient" in visited.page.inner_text(".sheet")
    visited.press("Enter")
    _walk(visited, 0, 3, answer)

    visited.wait_for_image("4 of 8 · block 1 of 3")
    visited.press("Backspace")
    visited.wait_for_image("3 of 8 · block 1 of 3")
    visited.press("6", "Backspace", "Escape")  # the half-given answer is taken back on the page alone
    visited.wait_for_sheet("Paused")
    visited.press("Enter")
    _walk(visited, 2, 11, answer)

    visited.page.reload()
    visited.wait_for_sheet("Reading")
    assert "image 4 of 8 in block 2 of 3" in visited.page.inner_text(".sheet")
    visited.press("Enter")
    _walk(visited, 11, 15, answer)

    elsewhere = visit(link, width, height)
    elsewhere.wait_for_sheet("Reading")
    elsewhere.press("Enter")
    _walk(
        elsewhere, 15, DESIGN.n_showings, lambda position: elsewhere.press(str(position % 7), str((position + 3) % 7))
    )
    elsewhere.wait_for_sheet("Done. Thank you.")

    stored = readings.load_readings(server.study, server.design, code)
    assert [(r.position, r.source, r.pathology) for r in stored] == [
        (n, n % 7, (n + 3) % 7) for n in range(DESIGN.n_showings)
    ]
    assert all(0 < r.seconds < 60 for r in stored)


def test_a_phone_reads_by_touch(server: Server, visit: Callable[..., Visit]) -> None:
    visited = visit(server.join("touch"), 390, 844, has_touch=True, is_mobile=True)
    visited.wait_for_sheet("Reading")
    visited.page.tap(".sheet .go")
    for position in range(3):
        visited.wait_for_image(f"{position + 1} of 8 · block 1 of 3")
        visited.page.tap('[data-question=pathology] [data-step="0"]')
        visited.page.tap('[data-question=source] [data-step="4"]')
    visited.wait_for_image("4 of 8 · block 1 of 3")
    stored = readings.load_readings(server.study, server.design, "touch")
    assert [(r.source, r.pathology) for r in stored] == [(4, 0)] * 3
    buttons = visited.page.query_selector_all(".questions button, header button, .tools button")
    shown = [button for button in buttons if button.is_visible()]
    assert len(shown) >= 16  # two rows of seven keys, undo, pause
    for button in shown:
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 40
    assert visited.page.evaluate("document.documentElement.scrollWidth") == 390


def test_nothing_a_browser_receives_tells_what_an_image_is(server: Server, visit: Callable[..., Visit]) -> None:
    """Every byte of a whole reading: pages, scripts, headers, answers and images."""
    link = server.join("watched")
    _let_earlier_visitors_finish(server)
    server.replies.clear()
    visited = visit(link)
    visited.wait_for_sheet("Reading")
    visited.press("Enter")
    _walk(visited, 0, DESIGN.n_showings, lambda position: visited.press("3", "4"))
    visited.wait_for_sheet("Done. Thank you.")

    for reply in server.replies:
        everything = b"\n".join(
            [reply.path.encode(), *(name + b": " + value for name, value in reply.headers), reply.body]
        )
        for leak in (STUDY, str(server.root), "iterations/", "000160", "000320", "real/test", "image_set", "watched"):
            assert leak.encode() not in everything, f"{leak} in {reply.path}"
    _assert_answers_tell_the_place_only(server.told())
    _assert_images_differ_in_pixels_only(server)


def _let_earlier_visitors_finish(server: Server) -> None:
    """A reader who has just left may still be fetching an image ahead."""
    before = -1
    while before != len(server.replies):
        before = len(server.replies)
        time.sleep(1)


def _assert_answers_tell_the_place_only(told: list[dict]) -> None:
    states = [reply for reply in told if "address" not in reply]
    for reply in told:
        assert set(reply) in (PLACE, PLACE | {"reading"}, {"address"})
        assert all(TOKEN.fullmatch(secret) for secret in reply.get("showings", [reply.get("address")]))
    assert sorted({reply["position"] for reply in states}) == list(range(DESIGN.n_showings + 1))
    (reading,) = [reply["reading"] for reply in states if "reading" in reply]
    assert reading == {
        "practice": False,
        "phantom": True,
        "protocol": "single",
        "questions": [QUESTIONS[name].model_dump(mode="json") for name in DESIGN.questions],
        "image_size": 128,
        "minutes": round(DESIGN.expected_minutes),
        "training": 0,
    }


def _assert_images_differ_in_pixels_only(server: Server) -> None:
    images = server.images()
    bodies = [image.body for image in images]
    assert len({image.path for image in images}) == len(images) == DESIGN.n_showings
    assert len(set(bodies)) == DESIGN.n_items, "a hidden repeat is the same picture under another address"
    assert len({len(body) for body in bodies}) == 1
    assert all(image.headers == images[0].headers for image in images)
    assert dict(images[0].headers)[b"cache-control"] == b"no-store"
    for body in bodies:
        assert body[12:16] == b"IHDR"
        assert body[37:41] == b"IDAT", "no chunk between header and pixels"
        assert body.count(b"IEND") == 1
        assert int.from_bytes(body[33:37], "big") == len(body) - 57, "nothing but pixels"
    for image in images:
        assert httpx.get(server.address + image.path).status_code == 404, "an address works once"


def test_guessed_addresses_find_nothing(server: Server) -> None:
    for guess in ("x", "0" * 32, "..%2f..%2fstudy.toml", "real", "A" * 300):
        reply = httpx.get(f"{server.address}/reading-image/{guess}")
        assert reply.status_code == 404
        assert reply.content in (b"", b'{"detail":"Not Found"}')


def test_without_a_link_there_is_no_reading(tmp_path: Path, visit: Callable[..., Visit]) -> None:
    with serving_reading(tmp_path, False, []) as address:
        for path in ("/read/", "/read/?reader=guess"):
            visited = visit(address + path)
            visited.wait_for_sheet("This page opens with a personal link")
            assert not visited.page.is_visible(".sheet .go")
            visited.page.close()  # before the server, whose heartbeat it listens to


def test_a_visitor_of_the_demo_practises_and_sees_the_truth_only_at_the_end(
    server: Server, visit: Callable[..., Visit]
) -> None:
    server.replies.clear()
    visited = visit(f"{server.address}/read/", 390, 844)
    visited.wait_for_sheet("Practice reading")
    assert "practice, not a blind study" in visited.page.inner_text(".sheet")
    visited.press("Enter")
    visited.wait_for_sheet("Practice reading")
    playwright.expect(visited.page.locator(".sheet .go")).to_contain_text("Begin")
    visited.press("Enter")
    total = 2 * 6 + 2 * 2 * 2  # six real images a class, two a class and iteration
    for position in range(total):
        visited.wait_for_image(f"practice · {position + 1} of {total}")
        assert not any("rows" in reply for reply in server.told())
        visited.press("6", "1")
        if position == 2:
            visited.wait_for_image(f"practice · 4 of {total}")
            visited.page.reload()
            visited.wait_for_sheet("Practice reading")
            visited.press("Enter")
    visited.wait_for_sheet("Practice done")
    summary = visited.page.inner_text(".sheet")
    assert "Non-AD, synthetic, iteration 320" in summary
    assert "2 of 2" in summary
    assert urlsplit(visited.page.url).query.startswith("reader=")
