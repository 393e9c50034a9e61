"""The door of the clinicians' app: of all that Gradio can answer, only what the page needs gets through."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_MESSAGE = 65_536  # bytes
FUNCTIONS = "/gradio_api/component_server"
# Uploads, files, queues, monitoring and the rest stay out: whoever can reach an endpoint of Gradio can call it.
ALLOWED = {
    "GET": re.compile(
        r"/?|/config|/theme\.css|/(assets|static)/[\w./-]+|/favicon\.ico|/manifest\.json|/gradio_api/heartbeat/[\w-]+"
    ),
    "HEAD": re.compile(r"/?"),
    "POST": re.compile(FUNCTIONS + "/?"),
}
PRIVACY = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex"}


class ReadingDoor:
    """ASGI middleware around the whole server: guards what lies at ``prefix`` and leaves the rest alone.

    The link's secret is in the address of the page, so nothing may carry that address elsewhere or keep what is said.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not self._is_inside(scope["path"]):
            await self.app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused:
            await PlainTextResponse("", status_code=refused)(scope, receive, send)
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(PRIVACY)
                if not re.match("/(assets|static)/", scope["path"][len(self.prefix) :]):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, send_private)

    def _is_inside(self, path: str) -> bool:
        return path == self.prefix or path.startswith(f"{self.prefix}/")

    def _refusal(self, scope: Scope) -> int | None:
        """The status with which a request is turned away; None for one that the page makes."""
        method, path = scope.get("method", ""), scope["path"][len(self.prefix) :]
        if method not in ALLOWED or not ALLOWED[method].fullmatch(path) or ".." in path:
            return 404
        if method != "POST":
            return None
        headers = Headers(scope=scope)
        if not headers.get("content-type", "").startswith("application/json"):
            return 415
        length = headers.get("content-length", "")
        return None if length.isdecimal() and int(length) <= LONGEST_MESSAGE else 413
