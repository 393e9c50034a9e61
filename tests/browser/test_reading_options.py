"""What a design can ask for beyond the default, in a real browser: more questions, remarks, training, pairs, zoom."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from reading_server import Server, Visit, serving_reading
from study_factory import generated_study

from polypstudio.reading.design import ReadingDesign, Stratum
from polypstudio.reading.records import Reading
from polypstudio.store import readings
from polypstudio.ui.reading_images import create_reading

pytest.importorskip("playwright.sync_api")

STRATA = (Stratum(image_set="real/test", per_class=2), Stratum(image_set="iterations/000160", per_class=2))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("studies")
    study = generated_study(root, "options", iterations=1, per_class=6, real=6, size=160, results=False)
    served = Server(root, study, "")
    with serving_reading(root, False, served.replies) as served.address:
        yield served


def begin(server: Server, visit: Callable[..., Visit], design: ReadingDesign, *size: int) -> Visit:
    """A reader of a new design, at the first image."""
    server.design = create_reading(server.study, design)
    visited = visit(server.join("R1"), *size)
    visited.wait_for_sheet("Reading")
    visited.press("Enter")
    return visited


def answers(server: Server) -> list[Reading]:
    return readings.load_readings(server.study, server.design)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_every_question_by_keyboard_and_a_remark_at_the_end(
    server: Server, visit: Callable[..., Visit], width: int, height: int
) -> None:
    asked = ("source", "pathology", "quality", "plausibility", "reason", "comment")
    visited = begin(server, visit, ReadingDesign(strata=STRATA, repeats=0, questions=asked), width, height)
    visited.wait_for_image("1 of 8")
    visited.press("5", "2", "0", "4", "9", "6")  # there is no key 9
    visited.page.wait_for_function("document.activeElement.tagName === 'INPUT'")
    visited.page.keyboard.type("vessels end at 3 o'clock p0")  # its letters and digits are no keys now
    visited.press("Enter")
    visited.wait_for_image("2 of 8")
    visited.press("1", "1", "1", "1", "0", "Backspace", "3", "Enter")  # the empty line gives the keys back
    visited.wait_for_image("3 of 8")
    first, second = answers(server)
    assert (first.source, first.pathology, first.quality, first.plausibility, first.reason) == (5, 2, 0, 4, 6)
    assert first.comment == "vessels end at 3 o'clock p0"
    assert (second.source, second.reason, second.comment) == (1, 3, None)
    box = visited.page.locator(".questions").bounding_box()
    assert box
    assert box["y"] + box["height"] <= height
    picture = visited.page.locator(".frame").bounding_box()
    assert picture
    assert picture["width"] >= 180, "the picture stays the largest thing on the page"


def test_training_tells_what_it_was_and_the_reading_does_not(server: Server, visit: Callable[..., Visit]) -> None:
    visited = begin(server, visit, ReadingDesign(strata=STRATA, repeats=0, training=1))
    told = []
    for n in range(4):
        visited.wait_for_image(f"training · {n + 1} of 4")
        visited.press("3", "3")
        visited.page.wait_for_selector("[data-told=true]")
        told.append(visited.page.inner_text(".feedback span"))
        visited.press("4", "Backspace")  # nothing to answer and nothing to take back now
        visited.press("Enter")
    assert sorted(told) == [
        "This one is real · AD",
        "This one is real · Non-AD",
        "This one is synthetic · AD",
        "This one is synthetic · Non-AD",
    ]
    visited.wait_for_sheet("Training done")
    visited.press("Enter")
    visited.wait_for_image("1 of 8")
    assert visited.page.locator(".undo").is_disabled()
    visited.press("3", "3")
    visited.wait_for_image("2 of 8")
    assert not visited.page.is_visible(".feedback")
    assert len(answers(server)) == 1, "training is no result"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_pairs_are_judged_by_left_and_right(
    server: Server, visit: Callable[..., Visit], width: int, height: int
) -> None:
    design = ReadingDesign(strata=STRATA, repeats=0, protocol="pairs", questions=("preference",))
    visited = begin(server, visit, design, width, height)
    for n in range(4):
        visited.wait_for_image(f"{n + 1} of 4")
        assert visited.page.locator(".frame").count() == 2
        visited.press("0", "3", "1" if n % 2 else "2")  # of these only the last is a key
    visited.wait_for_sheet("Done. Thank you.")
    given = answers(server)
    assert [reading.preference for reading in given] == [2, 1, 2, 1]
    assert {reading.image.image_set for reading in given} == {"iterations/000160"}
    assert sum(reading.swapped for reading in given) == 2, "the real one is as often left as right"
    assert len({image.path for image in server.images()}) == len(server.images())


def test_zoom_and_brightness_are_logged_with_the_answer(server: Server, visit: Callable[..., Visit]) -> None:
    visited = begin(server, visit, ReadingDesign(strata=STRATA, repeats=0))
    visited.wait_for_image("1 of 8")
    visited.press("+", "+", "-", "]")
    assert "scale(1.25)" in visited.page.locator(".frame img").get_attribute("style")
    visited.press("3", "3")
    visited.wait_for_image("2 of 8")
    assert "scale" not in visited.page.locator(".frame img").get_attribute("style")
    visited.page.locator(".frame").dblclick()
    visited.page.locator("[data-tool=darker]").click()
    visited.press("3", "3")
    visited.wait_for_image("3 of 8")
    visited.press("3", "3")
    visited.wait_for_image("4 of 8")
    assert [(r.zoom, r.brightness) for r in answers(server)] == [(1.56, 1.15), (2.0, 1.0), (1.0, 1.0)]


@pytest.mark.parametrize(("width", "height", "key"), [(390, 844, 40), (1280, 800, 40), (3840, 2160, 70)])
def test_from_phone_to_4k_everything_is_in_view_and_large_enough(
    server: Server, visit: Callable[..., Visit], width: int, height: int, key: int
) -> None:
    """``key``: the least height of a key on the screen, in its pixels."""
    asked = ("source", "pathology", "quality", "plausibility", "reason", "comment")
    visited = begin(server, visit, ReadingDesign(strata=STRATA, repeats=0, questions=asked), width, height)
    visited.wait_for_image("1 of 8")
    outside, heights, picture = visited.page.evaluate(
        """() => {
          const seen = [...document.querySelectorAll(".reading :is(header, .below, .questions, .frame, button, input, .asked)")]
            .filter((each) => each.offsetParent && !each.closest(".sheet")).map((each) => [each, each.getBoundingClientRect()]);
          return [
            seen.filter(([, box]) => box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1)
              .map(([each]) => each.className || each.textContent),
            seen.filter(([each]) => each.dataset.step).map(([, box]) => box.height),
            document.querySelector(".frame").getBoundingClientRect().width,
          ];
        }"""
    )
    assert outside == []
    assert min(heights) >= key
    assert picture >= 0.35 * min(width, height)
