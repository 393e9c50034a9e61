"""The clinicians' own app: one page, its functions, and one-time image addresses. Nothing else is behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from polypstudio.ui.guesses import Guesses
from polypstudio.ui.reading_desk import IMAGE_ADDRESS, NOBODY, ReadingDesk, parse
from polypstudio.ui.reading_door import ReadingDoor

READING = "/read"
ANSWER_SECONDS = 0.25  # every image, and every refusal, takes as long: how long decoding took would tell
STATIC = Path(__file__).parent / "static" / "reading"
SCRIPTS = ("view.js", "questions.js", "reading.js")
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

Called = Callable[[Any, gr.Request], Awaitable[dict[str, Any]]]


def mount_reading(app: FastAPI, root: Path, demo: bool, **look: Any) -> None:
    """Adds the clinicians' app at ``/read`` and the addresses of its images, and lets nothing else in there."""

    @app.get(READING)
    def door(request: Request) -> Response:
        """Without its last slash the address would fall to the dashboard, which has no such page."""
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{READING}/{query}", status_code=307)

    app.include_router(reading_routes(root))
    gr.mount_gradio_app(app, build_reading_app(root, demo), READING, **look)
    app.add_middleware(ReadingDoor, prefix=READING)


def build_reading_app(root: Path, demo: bool) -> gr.Blocks:
    """The reading app over the studies in ``root``. It needs :func:`reading_routes` beside it, on the same origin."""
    with gr.Blocks(title="PolypStudio reading", analytics_enabled=False) as app:
        gr.HTML(
            html_template=(STATIC / "reading.html").read_text(),
            css_template=(STATIC / "reading.css").read_text(),
            js_on_load="\n".join((STATIC / script).read_text() for script in SCRIPTS),
            apply_default_css=False,
            server_functions=page_functions(ReadingDesk(root, demo), Guesses()),
        )
    return app


def page_functions(desk: ReadingDesk, guesses: Guesses) -> list[Called]:
    """The functions that the page calls by name, each with one message (plain functions, as Gradio marks them)."""

    async def start_practice(data: Any, request: gr.Request) -> dict[str, Any]:
        return await run_in_threadpool(desk.practise)

    return [start_practice, *(_page_function(desk, guesses, name) for name in desk.acts)]


def _page_function(desk: ReadingDesk, guesses: Guesses, name: str) -> Called:
    async def act(data: Any, request: gr.Request) -> dict[str, Any]:
        message = parse(data)
        if message is None or message.reader == NOBODY:
            return desk.unknown()
        client = request.client.host if request.client else ""
        if not await guesses.admit(client, message.reader):
            raise HTTPException(429)
        reader = await run_in_threadpool(desk.find, message.reader)
        if reader is None:
            return desk.unknown()
        guesses.right(client, message.reader)
        return await run_in_threadpool(desk.acts[name], reader, message)

    act.__name__ = act.__qualname__ = name
    return act


def reading_routes(root: Path) -> APIRouter:
    """``/reading-image/<address>``: the image behind a one-time address; 404 after its use and for guesses."""
    desk = ReadingDesk(root, demo=False)
    router = APIRouter()

    @router.get(IMAGE_ADDRESS + "/{address}")
    async def image(address: str) -> Response:
        due = time.monotonic() + ANSWER_SECONDS
        content = await run_in_threadpool(desk.image, address)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if content is None:
            return Response(status_code=404, headers=HEADERS)
        return Response(content, media_type="image/png", headers=HEADERS)

    return router
