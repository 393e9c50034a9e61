"""The clinicians' own app: one page, its functions, and one-time image addresses. Nothing else is behind it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import gradio as gr
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import OperationalError

from polypstudio.ui.guesses import Guesses, TooManyGuesses
from polypstudio.ui.reading_desk import IMAGE_ADDRESS, NOBODY, ReadingDesk, parse
from polypstudio.ui.reading_door import ReadingDoor

log = logging.getLogger(__name__)

READING = "/read"
ANSWER_SECONDS = 0.25  # every image, and every refusal, takes as long: how long decoding took would tell
ACTS_AT_ONCE = 4  # threads: with more of them each waits for the interpreter, not for the database
IMAGES_AT_ONCE = 2  # in threads of their own, so that decoding large frames holds up no answer
STATIC = Path(__file__).parent / "static" / "reading"
SCRIPTS = ("view.js", "questions.js", "reading.js")
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

Called = Callable[[Any, gr.Request], Awaitable[dict[str, Any]]]
T = TypeVar("T")


def mount_reading(app: FastAPI, root: Path, demo: bool, **look: Any) -> None:
    """Adds the clinicians' app at ``/read`` and the addresses of its images, and lets nothing else in there."""

    @app.get(READING)
    def door(request: Request) -> Response:
        """Without its last slash the address would fall to the dashboard, which has no such page."""
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{READING}/{query}", status_code=307)

    desk, addresses = ReadingDesk(root, demo), Guesses()
    app.include_router(reading_routes(desk, addresses))
    gr.mount_gradio_app(app, build_reading_app(desk, addresses), READING, **look)
    app.add_middleware(ReadingDoor, prefix=READING)


def build_reading_app(desk: ReadingDesk, addresses: Guesses) -> gr.Blocks:
    """The reading app. It needs :func:`reading_routes` beside it, on the same origin, with the same ``addresses``."""
    with gr.Blocks(title="PolypStudio reading", analytics_enabled=False) as app:
        gr.HTML(
            html_template=(STATIC / "reading.html").read_text(),
            css_template=(STATIC / "reading.css").read_text(),
            js_on_load="\n".join((STATIC / script).read_text() for script in SCRIPTS),
            apply_default_css=False,
            server_functions=page_functions(desk, Guesses(), addresses),
        )
    return app


def page_functions(desk: ReadingDesk, links: Guesses, addresses: Guesses) -> list[Called]:
    """The functions that the page calls by name, each with one message (plain functions, as Gradio marks them)."""
    at_once = CapacityLimiter(ACTS_AT_ONCE)

    async def start_practice(data: Any, request: gr.Request) -> dict[str, Any]:
        return await run_sync(desk.practise, limiter=at_once)

    def function_of(name: str) -> Called:
        async def act(data: Any, request: gr.Request) -> dict[str, Any]:
            message = parse(data)
            if message is None or message.reader == NOBODY:
                return desk.unknown()

            async def done() -> dict[str, Any] | None:
                return await run_sync(desk.act, name, message, limiter=at_once)

            reply = await _heard(links, request, message.reader, done)
            if reply is not None and reply.get("address"):
                addresses.right(reply["address"])
            return desk.unknown() if reply is None else reply

        act.__name__ = act.__qualname__ = name
        act.__annotations__ = get_type_hints(act)  # Gradio asks for them at every call, and strings are compiled anew
        return act

    return [start_practice, *map(function_of, desk.acts)]


def reading_routes(desk: ReadingDesk, addresses: Guesses) -> APIRouter:
    """``/reading-image/<address>``: the image behind a one-time address; 404 after its use and for guesses."""
    router = APIRouter()
    at_once = CapacityLimiter(IMAGES_AT_ONCE)

    @router.get(IMAGE_ADDRESS + "/{address}")
    async def image(address: str, request: Request) -> Response:
        async def redeemed() -> bytes | None:
            return await run_sync(desk.image, address, limiter=at_once)

        due = time.monotonic() + ANSWER_SECONDS
        try:
            content, refused = await _heard(addresses, request, address, redeemed), 404
        except HTTPException as error:
            content, refused = None, error.status_code
        addresses.spent(address)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if content is None:
            return Response(status_code=refused, headers=HEADERS)
        return Response(content, media_type="image/png", headers=HEADERS)

    return router


async def _heard(
    guesses: Guesses, request: Request | gr.Request, token: str, find: Callable[[], Awaitable[T | None]]
) -> T | None:
    """What a token yields, None if it is nobody's; 429 for whoever guesses, 503 where the database does not answer."""
    try:
        return await guesses.hear(request.client.host if request.client else "", token, find)
    except TooManyGuesses:
        raise HTTPException(429) from None
    except OperationalError as error:  # it is gone or too busy: nothing is stored, and the page tries again
        log.warning("reading: %s", str(error).splitlines()[0])
        raise HTTPException(503) from None
