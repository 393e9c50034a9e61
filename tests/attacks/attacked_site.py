"""The server under attack: what it serves, what would tell something, and a client that has no key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient

from polypstudio.reading.design import ReadingDesign, Stratum
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths

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
