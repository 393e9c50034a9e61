"""The clinicians' own app: one page, its functions, and one-time image addresses. Nothing else is behind it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import gradio as gr
from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from polypstudio.ui.reading_desk import IMAGE_ADDRESS, ReadingDesk

ANSWER_SECONDS = 0.1  # every image, and every refusal, takes as long: how long decoding took would tell
STATIC = Path(__file__).parent / "static" / "reading"
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def build_reading_app(root: Path, demo: bool) -> gr.Blocks:
    """The reading app over the studies in ``root``. It needs :func:`reading_routes` beside it, on the same origin."""
    desk = ReadingDesk(root, demo)
    with gr.Blocks(title="PolypStudio reading", analytics_enabled=False) as app:
        gr.HTML(
            html_template=(STATIC / "reading.html").read_text(),
            css_template=(STATIC / "reading.css").read_text(),
            js_on_load=(STATIC / "reading.js").read_text(),
            apply_default_css=False,
            server_functions=desk.functions(),
        )
    return app


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
