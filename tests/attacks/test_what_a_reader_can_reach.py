"""A reader who is curious: every endpoint of the server by hand, other people's data, old links, guessed links."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest
from attacked_site import DESIGN, FUNCTIONS, STUDY, TELLING, Site
from event_loops import run_apart
from fastapi import FastAPI
from starlette.routing import Mount, Route

from polypstudio.store import readings
from polypstudio.ui import guesses as guessing
from polypstudio.ui.guesses import FREE, QUEUE, Guesses
from polypstudio.ui.reading import reading_routes
from polypstudio.ui.reading_desk import ReadingDesk
from polypstudio.ui.reading_images import revise_reading

OTHERS_DATA = [
    "/",
    "/config",
    "/gradio_api/info",
    "/gradio_api/run/_results",
    f"/study/{STUDY}/iterations",
    f"/study/{STUDY}/image/real/test/ad/0",
    f"/study/{STUDY}/report/report.zip",
    f"/study/{STUDY}/reading/x/readings.csv",
    f"/study/{STUDY}/reading/x/readings.json",
    f"/study/{STUDY}/reading/x/results.json",
    f"/study/{STUDY}/reading/x/reporting.md",
    f"/gradio_api/file={STUDY}/readings.sqlite",
    f"/read/gradio_api/file={STUDY}/readings.sqlite",
    "/read/gradio_api/file=../readings.sqlite",
    "/read/..%2f..%2fconfig",
    "/read/assets/..%2f..%2f..%2fconfig",
    "/read/gradio_api/info",
    "/read/gradio_api/openapi.json",
    "/read/monitoring",
    "/read/gradio_api/queue/status",
    "/read/gradio_api/run-history/buckets",
    "/readings.sqlite",
]

ANSWERING = {
    *((method, address) for method in ("GET", "HEAD") for address in ("/read/", "/favicon.ico")),
    ("GET", "/read/config"),
    ("GET", "/read/theme.css"),
    ("GET", "/read/favicon.ico"),
    ("GET", "/read/manifest.json"),
}


def routes(application: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, address) of every route of an app and of those mounted in it, with something in place of parameters."""
    for route in application.routes:
        if isinstance(route, Mount):
            yield from routes(route, prefix + route.path)
        elif hasattr(route, "original_router"):  # FastAPI keeps an included router as one route
            yield from routes(route.original_router, prefix + route.include_context.prefix)
        elif isinstance(route, Route):
            address = prefix + route.path
            while "{" in address:
                before, _, rest = address.partition("{")
                address = f"{before}x{rest.partition('}')[2]}"
            for method in sorted(route.methods or ()):
                yield method, address


def telling(answer: httpx.Response) -> list[str]:
    everything = answer.text + str(answer.headers)
    return [word for word in TELLING if word in everything]


def test_every_endpoint_of_the_server_tells_nothing_to_who_has_a_link_only(site: Site) -> None:
    token = site.join("curious")
    bodies: list[Any] = [
        {},
        {"data": [token], "session_hash": "s", "fn_index": 0, "event_data": None, "trigger_id": 1},
        {"reader": token},
    ]
    found = sorted(set(routes(site.app)))
    assert len(found) > 100
    assert ("POST", FUNCTIONS) in found
    answered = set()
    for method, address in found:
        if "heartbeat" in address:  # answers as long as the page is open
            continue
        for body in bodies if method == "POST" else [None]:
            answer = site.client.request(method, address, json=body, params={"reader": token}, follow_redirects=False)
            assert not telling(answer), (method, address, telling(answer))
            if answer.status_code < 300 and not address.startswith("/polypstudio"):
                answered.add((method, address))
    assert answered <= ANSWERING, answered - ANSWERING
    assert {("GET", "/read/"), ("GET", "/read/config")} <= answered
    assert readings.load_readings(site.study, site.design) == []


@pytest.mark.parametrize("address", OTHERS_DATA)
def test_what_is_not_a_readers_is_refused(site: Site, address: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = site.client.request(method, address, params={"reader": site.join(method)})
        assert answer.status_code in (401, 403, 404, 405), (method, answer.status_code)
        assert not telling(answer)


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--", 415),
        ("text/plain", b"{}", 415),
        ("application/json", b" " * 70_000, 413),
        ("application/json", b"{", 422),
    ],
)
def test_nothing_but_a_short_json_message_gets_in(site: Site, content_type: str, content: bytes, status: int) -> None:
    answer = site.client.post(FUNCTIONS, content=content, headers={"Content-Type": content_type})
    assert answer.status_code in (status, 400, 500 if status == 422 else status)
    assert not telling(answer)


def test_every_function_tells_a_reader_their_place_and_nothing_else(site: Site, answer: Callable[..., Any]) -> None:
    """By a stranger, by a reader who is not done, with nonsense, and with what only a researcher may ask."""
    token = site.join("curious")
    config = site.client.get("/read/config").json()
    names = next(c for c in config["components"] if c["id"] == site.component)["props"]["server_fns"]
    assert set(names) == {
        "open_reading",
        "answer_showing",
        "undo_answer",
        "image_address",
        "practice_summary",
        "start_practice",
    }
    place = {"status", "position", "total", "block", "undo", "showings"}
    messages: list[Any] = [
        {"reader": token},
        {"reader": token, "showing": "x", "submit": "y", "answers": {"source": 3, "pathology": 3}, "seconds": 1},
        {"reader": token, "showing": "x", "submit": "y", "answers": {"source": 99, "pathology": 3}},
        {"reader": token, "showing": "x", "submit": "y", "answers": {"truth": 1}},
        {"reader": token, "showing": "x", "side": 7},
        {"reader": "someone"},
        {"reader": "-"},
        {"reader": token, "design": site.design},
        {"reader": [token]},
        "nonsense",
        None,
        [1, 2],
    ]
    for name in names:
        for data in messages:
            reply = site.call(name, data)
            assert reply.status_code == 200, (name, data)
            assert set(reply.json()) in (place, place | {"reading"}, {"address"}, {"status", "demo"}), (name, data)
            assert reply.json().get("address") is None
            assert not telling(reply)
    for name in ("unknown_function", "value", "__init__", "get_config", "postprocess"):
        assert site.call(name, {"reader": token}).status_code == 404
    assert site.call("open_reading", {"reader": token}, component_id=10_000).status_code >= 400
    assert readings.count_answers(site.study, site.design) == (0, 0)


def test_a_training_item_is_told_after_its_answer_and_nothing_before_or_else(
    site: Site, answer: Callable[..., Any]
) -> None:
    token = site.join("R1")
    told = [answer(token).json() for _ in range(DESIGN.n_showings)]
    assert ["feedback" in one for one in told] == [n < DESIGN.n_training for n in range(DESIGN.n_showings)]
    assert sum(one["feedback"]["real"] for one in told[: DESIGN.n_training]) == DESIGN.n_training // 2
    other = site.join("R2")
    for showing in {s for one in told for s in one["showings"]}:
        message = {"reader": other, "showing": showing, "submit": "z", "answers": {"source": 1, "pathology": 1}}
        assert "feedback" not in site.call("answer_showing", message).json()


def test_another_readers_showings_yield_neither_image_nor_answer(site: Site, answer: Callable[..., Any]) -> None:
    mine, theirs = site.join("mine"), site.join("theirs")
    showings = site.call("open_reading", {"reader": theirs}).json()["showings"]
    for showing in showings:
        assert site.call("image_address", {"reader": mine, "showing": showing}).json() == {"address": None}
        site.call(
            "answer_showing",
            {"reader": mine, "showing": showing, "submit": showing, "answers": {"source": 1, "pathology": 1}},
        )
    assert readings.count_answers(site.study, site.design) == (0, 0)
    address = site.call("image_address", {"reader": theirs, "showing": showings[0]}).json()["address"]
    assert site.client.get(f"/reading-image/{address}").status_code == 200
    assert site.client.get(f"/reading-image/{address}").status_code == 404


def refused(site: Site, token: str) -> bool:
    """Whether a link is a stranger's to every function of the page."""
    asked = ("open_reading", "answer_showing", "undo_answer", "image_address", "practice_summary")
    return all(site.call(name, {"reader": token}).json() == {"status": "unknown", "demo": False} for name in asked)


def test_a_renewed_link_ends_the_old_one_and_goes_on_where_it_was(site: Site, answer: Callable[..., Any]) -> None:
    old = site.join("R1")
    answer(old)
    new = readings.renew_link(site.study, site.design, "R1").token
    assert refused(site, old)
    assert site.call("open_reading", {"reader": new}).json()["position"] == 1


def test_a_revoked_and_an_ended_link_are_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    revoked, ended = site.join("revoked"), site.join("ended", days=1)
    assert not refused(site, ended)
    readings.revoke_link(site.study, site.design, "revoked")
    assert refused(site, revoked)
    monkeypatch.setattr("polypstudio.store.readings.session.now", lambda: "2999-01-01T00:00:00.000+00:00")
    assert refused(site, ended)
    monkeypatch.setattr("polypstudio.store.readings.links.now", lambda: "2999-01-01T00:00:00.000+00:00")
    states = {own.reader: own.link for own in readings.reader_progress(site.study, site.design)}
    assert states == {"revoked": "revoked", "ended": "expired"}


def test_the_links_of_a_replaced_version_are_refused(site: Site, answer: Callable[..., Any]) -> None:
    token = site.join("R1")
    answer(token)
    revision = revise_reading(site.study, site.design, DESIGN.model_copy(update={"seed": 5}))
    assert refused(site, token)
    assert site.call("open_reading", {"reader": revision.links[0].token}).json()["position"] == 0


def test_of_a_clinician_nothing_is_kept_but_a_code(site: Site) -> None:
    """Neither where they read from nor with what; the database holds all that is kept."""
    token = site.join("R1")
    transport = httpx.ASGITransport(site.app, client=("203.0.113.77", 1))

    async def read() -> None:
        headers = {"User-Agent": "Workstation-of-Dr-Example", "X-Forwarded-For": "198.51.100.7"}
        async with httpx.AsyncClient(transport=transport, base_url="http://reading", headers=headers) as client:

            async def call(name: str, **message: Any) -> Any:
                body = {"component_id": site.component, "fn_name": name, "session_hash": "s"}
                return (await client.post(FUNCTIONS, json=body | {"data": {"reader": token, **message}})).json()

            showing = (await call("open_reading"))["showings"][0]
            address = (await call("image_address", showing=showing))["address"]
            await client.get(f"/reading-image/{address}")
            answers = {"source": 3, "pathology": 3}
            await call("answer_showing", showing=showing, submit="one", seconds=1, answers=answers)

    run_apart(read())
    assert readings.count_answers(site.study, site.design) == (1, 0)
    with sqlite3.connect(site.study.readings) as connection:
        dump = "\n".join(connection.iterdump())
    assert "R1" in dump
    assert not [word for word in ("203.0.113", "198.51.100", "Dr-Example", "Mozilla", token) if word in dump]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["links", "addresses"])
def test_a_thousand_guesses_find_nothing_and_most_are_not_even_looked_up(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    known = site.join("R1")
    showing = site.call("open_reading", {"reader": known}).json()["showings"][0]
    address = site.call("image_address", {"reader": known, "showing": showing}).json()["address"]
    looked_up = 0
    asked = "find_reader" if kind == "links" else "redeem_address"
    find = getattr(readings, asked)

    def counting(*arguments: Any) -> Any:
        nonlocal looked_up
        looked_up += 1
        return find(*arguments)

    monkeypatch.setattr(readings, asked, counting)

    def request(client: httpx.AsyncClient, n: int) -> Coroutine[Any, Any, httpx.Response]:
        body = {"component_id": site.component, "fn_name": "open_reading", "session_hash": "s"}
        if kind == "links":
            return client.post(FUNCTIONS, json=body | {"data": {"reader": f"guess-{n}"}})
        return client.get(f"/reading-image/guess-{n}")

    async def guess() -> tuple[list[httpx.Response], float]:
        transport = httpx.ASGITransport(site.app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://reading", timeout=600) as client:
            began = time.monotonic()
            answers = await asyncio.gather(*(request(client, n) for n in range(1000)))
            return answers, time.monotonic() - began

    answers, seconds = run_apart(guess())
    assert {answer.status_code for answer in answers} == {200 if kind == "links" else 404, 429}
    assert all(answer.json()["status"] == "unknown" for answer in answers if answer.status_code == 200)
    assert FREE <= looked_up <= FREE + QUEUE + seconds / guessing.WAIT_SECONDS
    assert sum(answer.status_code == 429 for answer in answers) >= 1000 - looked_up
    assert site.call("open_reading", {"reader": known}).json()["status"] == "reading", "who is in stays in"
    assert site.client.get(f"/reading-image/{address}").status_code == 200, "and sees their image"


def test_guessed_addresses_are_slowed_down_and_the_readers_own_are_not(site: Site) -> None:
    """The same brake as for links, with a shorter wait; the reader and who guesses share one network address."""
    token = site.join("R1")
    showing = site.call("open_reading", {"reader": token}).json()["showings"][0]
    wait = 0.05
    addresses = Guesses(wait)
    desk = ReadingDesk(site.study.root.parent, demo=False)
    app = FastAPI()
    app.include_router(reading_routes(desk, addresses))
    address = site.call("image_address", {"reader": token, "showing": showing}).json()["address"]
    addresses.right(address)

    async def guess() -> tuple[list[int], int, float]:
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://reading", timeout=600) as client:
            began = time.monotonic()
            guessed = asyncio.gather(*(client.get(f"/reading-image/guess-{n}") for n in range(60)))
            await asyncio.sleep(2 * wait)
            own = await client.get(f"/reading-image/{address}")
            return [answer.status_code for answer in await guessed], own.status_code, time.monotonic() - began

    guessed, own, seconds = run_apart(guess())
    assert set(guessed) == {404, 429}
    assert guessed.count(404) <= FREE + QUEUE + seconds / wait
    assert own == 200


def test_guesses_one_after_the_other_wait_and_a_right_one_does_not() -> None:
    async def waits() -> list[float]:
        guesses, times = Guesses(wait=0.2), []
        guesses.right("known")
        for n in range(FREE + 3):
            began = time.monotonic()
            assert await guesses.hear("here", f"guess-{n}", _nobody) is None
            times.append(time.monotonic() - began)
        began = time.monotonic()
        assert await guesses.hear("here", "known", _somebody)
        assert await guesses.hear("elsewhere", "another", _nobody) is None
        return [*times, time.monotonic() - began]

    *times, free = run_apart(waits())
    assert min(times[FREE:]) >= 0.2
    assert max(times[:FREE]) < 0.2
    assert free < 0.2


def test_many_readers_behind_one_address_who_come_back_at_once_are_no_guesses() -> None:
    """As after a restart: fifty links that this process has never seen, all of them right."""

    async def come_back() -> list[bool | None]:
        guesses = Guesses(wait=3600)
        return await asyncio.wait_for(
            asyncio.gather(*(guesses.hear("a hospital", f"link-{n}", _somebody) for n in range(50))), 60
        )

    assert run_apart(come_back()) == [True] * 50


async def _nobody() -> None:
    await asyncio.sleep(0)


async def _somebody() -> bool:
    await asyncio.sleep(0.001)
    return True
