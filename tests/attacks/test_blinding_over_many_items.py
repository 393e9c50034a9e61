"""1,200 showings of a real server, attacked: large JPEG frames against small PNGs, which only their pixels may tell apart."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from event_loops import run_apart
from PIL import Image
from reading_attack import Received, Seen, attack
from servers import free_port
from simulated_readers import CALL, ReadingServer
from sqlalchemy import select
from study_factory import generated_study

from polypstudio.reading.design import ReadingDesign, Stratum
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import reading_from
from polypstudio.store.readings.tables import items, presentations
from polypstudio.ui.reading_images import create_reading

READERS, SHOWINGS = 10, 120
PER_CLASS = 130
FRAME = (720, 540)
BOUND = 0.6
WORDS = ("real/test", "iterations/", "000160", "the-attacked-study", "samples", "image_set", "non_ad/", "endoscope")


def unequal_study(root: Path) -> tuple[StudyPaths, str]:
    """Real images as endoscopes give them, synthetic ones as generators do."""
    study = generated_study(root, "the-attacked-study", 1, PER_CLASS, real=PER_CLASS, size=96, results=False)
    rng = np.random.default_rng(0)
    for file in sorted((study.root / "data").rglob("*.png")):
        grain = Image.fromarray(rng.integers(0, 60, (*FRAME[::-1], 3)).astype(np.uint8))
        frame = Image.blend(Image.open(file).convert("RGB").resize(FRAME), grain, 0.3)
        exif = Image.Exif()
        exif[0x010F] = "endoscope maker"
        frame.save(file, "JPEG", quality=92, exif=exif)
    strata = (
        Stratum(image_set="real/test", per_class=PER_CLASS),
        Stratum(image_set="iterations/000160", per_class=PER_CLASS),
    )
    return study, create_reading(study, ReadingDesign(strata=strata))


async def read(address: str, token: str) -> list[Seen]:
    """One reader's showings, one after the other, with all that came with each."""

    async def received(request: httpx.Request) -> Received:
        began = time.perf_counter()
        answer = await client.send(request)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200
        path = request.url.path
        return Received(path, answer.status_code, tuple(answer.headers.items()), answer.content, seconds)

    async def call(name: str, **message: Any) -> Received:
        body = {"data": {"reader": token, **message}, "component_id": component, "fn_name": name, "session_hash": "s"}
        return await received(client.build_request("POST", CALL, json=body))

    def content(answer: Received) -> dict[str, Any]:
        return httpx.Response(200, content=answer.body).json()

    seen = []
    async with httpx.AsyncClient(base_url=address, timeout=120) as client:
        config = (await client.get("/read/config")).json()
        component = next(c["id"] for c in config["components"] if c["props"].get("server_fns"))
        state = content(await call("open_reading"))
        for position in range(SHOWINGS):
            showing = state["showings"][0]
            told = await call("image_address", showing=showing)
            image = await received(client.build_request("GET", f"/reading-image/{content(told)['address']}"))
            answers = {"source": 3, "pathology": 4}
            answered = await call("answer_showing", showing=showing, submit=showing, seconds=1.0, answers=answers)
            state = content(answered)
            seen.append(Seen(showing, position, told, image, answered.seconds))
    return seen


@pytest.mark.slow
def test_nothing_but_pixels_tells_real_from_synthetic(tmp_path: Path) -> None:
    study, design = unequal_study(tmp_path)
    links = readings.add_readers(study, design, [f"R{n}" for n in range(READERS)])
    server = ReadingServer(tmp_path, free_port())

    async def all_read() -> list[list[Seen]]:
        await server.start()
        try:
            return await asyncio.gather(*(read(server.address, link.token) for link in links))
        finally:
            server.kill()

    seen = [one for own in run_apart(all_read()) for one in own]
    with reading_from(study) as connection:
        shown = select(presentations.c.id, items.c.image_set).join(items, items.c.id == presentations.c.item)
        image_set = dict(connection.execute(shown).tuples().all())
    real = np.array([image_set[one.showing] == "real/test" for one in seen])
    assert len(seen) == READERS * SHOWINGS >= 500
    report = attack(seen, real, WORDS)
    print(report)
    assert report.leaks(BOUND) == set(), report


def test_the_whole_order_of_many_readers_tells_nothing(tmp_path: Path) -> None:
    """Over complete sequences: neither the place nor what came before it says whether an image is real."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import cross_val_predict

    from polypstudio.metrics.agreement import auc
    from polypstudio.reading.design import make_items
    from polypstudio.reading.order import reader_order

    design = ReadingDesign(
        strata=(Stratum(image_set="real/test", per_class=40), Stratum(image_set="iterations/000160", per_class=40)),
        repeats=0.2,
        training=2,
        block_size=50,
    )
    drawn = make_items(design, {(s.image_set, label): 60 for s in design.strata for label in ("ad", "non_ad")})
    real = {item.id for item in drawn if item.image.image_set == "real/test"}
    features, truth = [], []
    for n in range(30):
        shown = [showing.item in real for showing in reader_order(design, drawn, f"R{n}")]
        features += [[i, i % 50, i / len(shown)] for i in range(len(shown))]
        truth += shown
    forest = RandomForestClassifier(50, min_samples_leaf=20, random_state=0)
    scores = cross_val_predict(forest, np.array(features), np.array(truth), cv=5, method="predict_proba")[:, 1]
    assert abs(auc(scores, np.array(truth)) - 0.5) < 0.04
