"""Readings in a real PostgreSQL: what SQLite's one writer gives for nothing has to hold there as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from postgres_server import running_postgres
from readings_version_1 import TOKEN_OF_VERSION_1, VERSION_1
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from polypstudio.errors import UserError
from polypstudio.reading.design import ReadingDesign, Stratum, make_items
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings import Answer, ReaderSession, database
from polypstudio.store.readings.database import URL_VARIABLE

pytestmark = pytest.mark.slow

STRATA = (Stratum(image_set="real/test", per_class=10), Stratum(image_set="iterations/000160", per_class=10))
DESIGN = ReadingDesign(strata=STRATA)
AVAILABLE = {(s.image_set, label): 12 for s in STRATA for label in ("ad", "non_ad")}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture
def study(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyPaths:
    monkeypatch.setenv(URL_VARIABLE, address)
    return StudyPaths(tmp_path / tmp_path.name)


@pytest.fixture
def reader(study: StudyPaths) -> ReaderSession:
    design = readings.create_design(study, DESIGN, make_items(DESIGN, AVAILABLE), image_size=128)
    found = readings.find_reader([study], readings.add_readers(study, design, ["R1"])[0].token)
    assert found is not None
    return found


def given(showing: str, submit: str, step: int = 3) -> Answer:
    return Answer(showing, submit, {"source": step, "pathology": step}, 1.0)


def test_two_pages_of_a_reader_that_answer_at_once_leave_one_answer(reader: ReaderSession) -> None:
    for n in range(15):
        showing = readings.place(reader).showings[0]
        with ThreadPoolExecutor(8) as pool:
            answers = [given(showing, f"page-{page}-{n}", page % 7) for page in range(8)]
            places = list(pool.map(lambda answer: readings.submit(reader, answer), answers))
        assert {place.position for place in places} == {n + 1}
    assert readings.count_answers(reader.study, reader.design) == (15, 0)


def test_the_same_submit_and_the_same_address_count_once(reader: ReaderSession) -> None:
    showing = readings.place(reader).showings[0]
    address = readings.issue_address(reader, showing)
    assert address is not None
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: readings.submit(reader, given(showing, "same")), range(16)))
        found = list(pool.map(lambda _: readings.redeem_address([reader.study], address), range(16)))
    assert readings.count_answers(reader.study, reader.design) == (1, 0)
    assert sum(one is not None for one in found) == 1


def test_answers_wait_for_the_disk_and_image_addresses_do_not(study: StudyPaths) -> None:
    asked = text("SHOW synchronous_commit")
    with database.writing_to(study) as connection:
        assert connection.scalar(asked) == "on"
    with database.writing_to(study, lasting=False) as connection:
        assert connection.scalar(asked) == "off"
    with database.writing_to(study) as connection:
        assert connection.scalar(asked) == "on"


def test_an_act_that_fails_leaves_nothing(reader: ReaderSession) -> None:
    def fail() -> None:
        with database.writing_to(reader.study) as connection:
            connection.execute(text("UPDATE readers SET revoked = 'now'"))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    with database.reading_from(reader.study) as connection:
        assert connection.scalar(text("SELECT count(*) FROM readers WHERE revoked IS NOT NULL")) == 0


def test_undo_export_and_import(reader: ReaderSession, tmp_path: Path) -> None:
    study = reader.study
    readings.submit(reader, given(readings.place(reader).showings[0], "first"))
    readings.submit(reader, given(readings.place(reader).showings[0], "second"))
    assert readings.undo(reader, "back").position == 1
    file = tmp_path / "readings.json"
    assert readings.export_readings(study, file) == 3
    assert readings.import_readings(study, file) == 0
    with pytest.raises(UserError, match="postgresql"):
        readings.backup(study, tmp_path / "x.sqlite")


def test_readings_move_from_sqlite_to_postgresql(
    study: StudyPaths, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URL_VARIABLE)
    (tmp_path / "alone").mkdir()
    alone = StudyPaths(tmp_path / "alone")
    design = readings.create_design(alone, DESIGN, make_items(DESIGN, AVAILABLE), image_size=128)
    token = readings.add_readers(alone, design, ["R1"])[0].token
    found = readings.find_reader([alone], token)
    assert found is not None
    readings.submit(found, given(readings.place(found).showings[0], "in-sqlite"))
    file = tmp_path / "moved.json"
    readings.export_readings(alone, file)
    before = readings.load_readings(alone, design)
    monkeypatch.setenv(URL_VARIABLE, address)
    assert readings.import_readings(study, file) == 1
    assert readings.load_readings(study, design) == before
    assert readings.find_reader([study], token), "the link goes on"


def test_a_change_waits_for_the_answer_that_freezes_the_design(reader: ReaderSession) -> None:
    """Whichever comes first: an answer is never lost with the design that it was given to."""
    showing = readings.place(reader).showings[0]
    with ThreadPoolExecutor(2) as pool:
        answered = pool.submit(readings.submit, reader, given(showing, "race"))
        items = make_items(DESIGN, AVAILABLE)
        revised = pool.submit(readings.revise_design, reader.study, reader.design, DESIGN, items, 128)
        answered.result(), revised.result()
    stored, _ = readings.count_answers(reader.study, reader.design)
    assert (stored, revised.result().version) in ((1, 2), (0, 1))


def drop_connections(address: str) -> None:
    """As a restart of the server does, or a firewall that tires of a silent one."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def test_dropped_connections_are_replaced(reader: ReaderSession, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    readings.submit(reader, given(readings.place(reader).showings[0], "before"))
    drop_connections(address)
    with pytest.raises(OperationalError):  # in use until just now: once, and the page tries again
        readings.place(reader)
    assert readings.place(reader).position == 1
    monkeypatch.setattr(database, "REST_SECONDS", 0.0)
    drop_connections(address)
    assert readings.place(reader).position == 1, "one that has rested is looked after first"


def test_a_version_1_database_is_brought_up_to_date(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE DATABASE before")
    old = f"{address.rpartition('/')[0]}/before"
    script = VERSION_1.replace("id INTEGER NOT NULL PRIMARY KEY", "id SERIAL PRIMARY KEY")
    script = re.sub(r"(128, |'i\d', |'s\d', )([01])\b", lambda m: m[1] + ("TRUE" if m[2] == "1" else "FALSE"), script)
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute(script)
        connection.execute("SELECT setval('readings_id_seq', 3)")
    monkeypatch.setenv(URL_VARIABLE, old)
    study = StudyPaths(tmp_path / "old")
    assert [r.source for r in readings.load_readings(study, "d")] == [2]
    found = readings.find_reader([study], TOKEN_OF_VERSION_1)
    assert found is not None
    assert readings.submit(found, given("p1", "s4")).complete
