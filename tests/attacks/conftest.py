"""The whole server as it is bound to a network: the dashboard behind its key, and readers who have only their link."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from attacked_site import DESIGN, KEY, STUDY, Site
from fastapi import FastAPI
from fastapi.testclient import TestClient
from study_factory import generated_study

from polypstudio.store.paths import StudyPaths
from polypstudio.ui.reading_images import create_reading
from polypstudio.ui.server import create_app


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
