"""The whole server as it is bound to a network: the dashboard behind its key, and readers who have only their link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from study_factory import generated_study

from polypstudio.reading.design import ReadingDesign, Stratum
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.ui.reading_images import create_reading
from polypstudio.ui.server import create_app

STUDY = "a-study-of-seven-hills"
KEY = "the-key-of-the-dashboard"
FUNCTIONS = "/read/gradio_api/component_server/"
DESIGN = ReadingDesign(
    strata=(Stratum(image_set="real/test", per_class=4), Stratum(image_set="iterations/000160", per_class=4)),
    questions=("source", "pathology", "comment"),
    training=1,
    repeats=0.25,
    block_size=8,
)
TELLING = (
    STUDY,
    "iterations",
    "000160",
    "real/",
    "image_set",
    "non_ad/",
    "checkpoints",
    "traceback",
    KEY,
    "token_hash",
)


@dataclass
class Site:
    """The server, its study and reading, and a client that has no key."""

    app: FastAPI
    study: StudyPaths
    design: str
    client: TestClient
    component: int

    def join(self, code: str, **link: Any) -> str:
        """A new reader's token."""
        return readings.add_readers(self.study, self.design, [code], **link)[0].token

    def call(self, function: str, data: Any, **changes: Any) -> httpx.Response:
        """A raw POST to a function of the page."""
        body = {"data": data, "component_id": self.component, "fn_name": function, "session_hash": "s"}
        return self.client.post(FUNCTIONS, json=body | changes)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, StudyPaths, TestClient]]:
    """One server for all attacks on it."""
    root = tmp_path_factory.mktemp("attacked")
    study = generated_study(root, STUDY, iterations=1, per_class=8, real=8, size=32, results=False)
    create_reading(study, DESIGN)
    app = create_app(root, key=KEY)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield app, study, client


@pytest.fixture
def site(server: tuple[FastAPI, StudyPaths, TestClient]) -> Site:
    """The server with a reading of this test's own."""
    app, study, client = server
    component = next(c["id"] for c in client.get("/read/config").json()["components"] if c["props"].get("server_fns"))
    return Site(app, study, create_reading(study, DESIGN), client, component)


@pytest.fixture
def answer(site: Site) -> Callable[..., httpx.Response]:
    """``answer(token, step)`` answers the reader's current showing as the page does."""

    def submit(token: str, step: int = 3) -> httpx.Response:
        showing = site.call("open_reading", {"reader": token}).json()["showings"][0]
        answers = {"source": step, "pathology": step}
        return site.call(
            "answer_showing",
            {"reader": token, "showing": showing, "submit": f"{showing}-{step}", "answers": answers, "seconds": 1},
        )

    return submit
