"""One process, two apps that know nothing of each other: the dashboard at ``/``, the clinicians' app at ``/read``.

Bound to this machine alone, or as a public demo, the dashboard is open. Bound to a network, everything but the reading
app and the static files needs the key that is printed at the start: the reading app has links of its own.
"""

from __future__ import annotations

import logging
import secrets
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import gradio as gr
from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from polypstudio import jobs
from polypstudio.ui.generation import generation_routes
from polypstudio.ui.reading import READING, mount_reading
from polypstudio.ui.reading_desk import IMAGE_ADDRESS
from polypstudio.ui.reading_files import reading_file_routes
from polypstudio.ui.studio import HEAD, build_studio
from polypstudio.ui.study_routes import study_routes
from polypstudio.ui.theme import STATIC, STATIC_ADDRESS, studio_theme, stylesheet

log = logging.getLogger(__name__)

STYLESHEETS = ("studio.css", "iterations.css", "tabs.css")
COOKIE = "polypstudio_key"
OPEN = (READING, IMAGE_ADDRESS, STATIC_ADDRESS, "/favicon.ico")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class KeyDoor:
    """ASGI middleware: refuses what is neither open to all nor asked for with the key, by cookie or ``?key=``."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self.key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _is_open(scope["path"]) or self._has_cookie(scope):
            await self.app(scope, receive, send)
            return
        if self._fits(*parse_qs(scope["query_string"].decode("latin-1")).get("key", [])):
            await self._let_in(scope)(scope, receive, send)
            return
        refusal = PlainTextResponse("Open PolypStudio by the link that it printed when it started.", status_code=401)
        await refusal(scope, receive, send)

    def _has_cookie(self, scope: Scope) -> bool:
        headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
        cookies = SimpleCookie("; ".join(headers))
        return COOKIE in cookies and self._fits(cookies[COOKIE].value)

    def _fits(self, *given: str) -> bool:
        return len(given) == 1 and secrets.compare_digest(given[0].encode(), self.key.encode())

    def _let_in(self, scope: Scope) -> Response:
        """Keeps the key as a cookie and takes it out of the address, which may be sent to a colleague."""
        query = [(k, v) for k, v in parse_qsl(scope["query_string"].decode("latin-1")) if k != "key"]
        answer = RedirectResponse(f"{scope['path']}?{urlencode(query)}".rstrip("?"), status_code=303)
        answer.set_cookie(COOKIE, self.key, httponly=True, samesite="lax")
        return answer


def _is_open(path: str) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in OPEN)


def create_app(root: Path, demo: bool = False, key: str | None = None) -> FastAPI:
    """The whole server over the studies in ``root``. With a ``key``, the dashboard is shown only to who has it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_static(app)
    app.include_router(study_routes(root))
    app.include_router(generation_routes(root))
    if not demo:
        app.include_router(reading_file_routes(root))
    look: dict[str, Any] = {"theme": studio_theme(), "footer_links": [], "show_error": True, "run_history": False}
    mount_reading(app, root, demo, **look)
    gr.mount_gradio_app(
        app, build_studio(root, demo), "/", css="".join(map(stylesheet, STYLESHEETS)), head=HEAD, **look
    )
    if key:
        app.add_middleware(KeyDoor, key=key)
    return app


def _add_static(app: FastAPI) -> None:
    """The project's scripts and styles, and the plotly.js that the plotly package carries."""
    app.mount(f"{STATIC_ADDRESS}/plotly", StaticFiles(packages=[("plotly", "package_data")]))
    app.mount(STATIC_ADDRESS, StaticFiles(directory=STATIC))


def serve(root: Path, host: str = "127.0.0.1", port: int = 7860, demo: bool = False) -> None:
    """Runs the server until it is interrupted; prints the address to open."""
    import uvicorn

    jobs.reconcile(root)
    key = None if demo or host in LOOPBACK else secrets.token_urlsafe(24)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    print(f"PolypStudio: http://{shown}:{port}/{f'?key={key}' if key else ''}", flush=True)
    if key:
        print("Whoever has this link can see and change all studies. Clinicians get links of their own.", flush=True)
    app = create_app(root, demo, key)
    # An open page holds a connection for news of its session: without a limit it would keep the server from ending.
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=2)
