"""The reading app alone, with a record of every byte it sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from servers import running

from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths


@dataclass(frozen=True)
class Reply:
    """One answer of the server as it was sent, whatever the browser then keeps of it."""

    path: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass
class Server:
    """The reading app alone, on a free port, with a record of every byte it sends."""

    root: Path
    study: StudyPaths
    design: str
    address: str = ""
    replies: list[Reply] = field(default_factory=list)

    def told(self) -> list[dict]:
        """The answers of the app's functions."""
        return [json.loads(reply.body) for reply in self.replies if "component_server" in reply.path]

    def images(self) -> list[Reply]:
        return [reply for reply in self.replies if reply.path.startswith("/reading-image/")]

    def join(self, code: str) -> str:
        """A new reader's personal link."""
        link = readings.add_readers(self.study, self.design, [code])[0]
        return f"{self.address}/read/?reader={link.token}"


def _recording(app: Callable, replies: list[Reply]) -> Callable:
    """An ASGI app that notes each of its answers once it is complete."""

    async def recorded(scope: dict, receive: Callable, send: Callable) -> None:
        start: dict = {}
        parts: list[bytes] = []

        async def note(message: dict) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    headers = [(name.lower(), value) for name, value in start["headers"]]
                    replies.append(Reply(scope["path"], start["status"], headers, b"".join(parts)))
            await send(message)

        await app(scope, receive, note)

    return recorded


@contextmanager
def serving_reading(root: Path, demo: bool, replies: list[Reply]) -> Iterator[str]:
    """The reading app with its image addresses and nothing else; adds what it answers to ``replies``."""
    from fastapi import FastAPI, Response

    from polypstudio.ui.reading import mount_reading
    from polypstudio.ui.theme import studio_theme

    app = FastAPI()
    app.get("/favicon.ico")(lambda: Response(status_code=204))
    mount_reading(app, root, demo, theme=studio_theme())
    with running(_recording(app, replies)) as address:
        yield address
