"""The database of a study's readings: ``readings.sqlite`` of its own, or the one that POLYPSTUDIO_DATABASE_URL names."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError

from polypstudio.errors import UserError
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.migrations import bring_up_to_date

URL_VARIABLE = "POLYPSTUDIO_DATABASE_URL"
POSTGRES_DRIVER = "postgresql+psycopg"
BUSY_MILLISECONDS = 10_000  # that SQLite waits for a writer of another process; those of this one take turns
REST_SECONDS = 10.0  # after which a connection to a server is looked after before it is used
CONNECTIONS = {"pool_size": 16, "max_overflow": 32}  # each call holds one for milliseconds

_turns: dict[str, threading.Lock] = {}  # by address of the database
_turns_guard = threading.Lock()


def now() -> str:
    """The time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def has_database(study: StudyPaths) -> bool:
    """Whether there can be readings of the study: asking makes no file."""
    return bool(os.environ.get(URL_VARIABLE)) or study.readings.is_file()


def engine_of(study: StudyPaths) -> Engine:
    """The study's database, with its tables. UserError where it cannot be opened."""
    url = os.environ.get(URL_VARIABLE) or f"sqlite:///{study.readings}"
    try:
        return _engine(url)
    except ModuleNotFoundError as error:
        raise UserError(f"{URL_VARIABLE}: {error}; install it with `pip install polypstudio[postgres]`") from None
    except (ArgumentError, OperationalError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"database of readings of {study.name}: {reason}; check {URL_VARIABLE} or the file") from None


@contextmanager
def reading_from(study: StudyPaths) -> Iterator[Connection]:
    """A connection for one look at the database."""
    with _passing(engine_of(study)).connect() as connection:
        yield connection


@contextmanager
def writing_to(study: StudyPaths, lasting: bool = True) -> Iterator[Connection]:
    """A transaction: on disk when the block ends, undone if it raises.

    One that is not ``lasting`` outlives the process, and may be lost with the machine's power: image addresses, of which
    there are more than answers, and which a page asks for anew. On a server each of its statements stands for itself.
    """
    engine = engine_of(study)
    with _turn(engine), _writing(engine, lasting).begin() as connection:
        yield connection


@functools.lru_cache(maxsize=128)
def _writing(engine: Engine, lasting: bool) -> Engine:
    if engine.dialect.name == "sqlite":
        return engine.execution_options(writing="lasting" if lasting else "passing")
    return engine if lasting else _passing(engine)


@functools.lru_cache(maxsize=64)
def _passing(engine: Engine) -> Engine:
    """Where nothing waits for a disk: a server is asked single statements, which saves its every begin and end."""
    if engine.dialect.name == "sqlite":
        return engine
    passing = _server_engine(engine.url, isolation_level="AUTOCOMMIT")
    event.listen(passing, "connect", _do_not_wait_for_the_disk)
    return passing


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """One writer of this process after the other: SQLite lets them wait in no order, until one gives up."""
    if engine.dialect.name != "sqlite":
        yield
        return
    with _turns_guard:
        turn = _turns.setdefault(str(engine.url), threading.Lock())
    with turn:
        yield


@functools.lru_cache(maxsize=64)
def _engine(address: str) -> Engine:
    url = make_url(address)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername=POSTGRES_DRIVER)
    engine = _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _server_engine(url)
    bring_up_to_date(_writing(engine, True), now())
    return engine


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url, **CONNECTIONS)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _server_engine(url: URL, **options: Any) -> Engine:
    engine = create_engine(url, **CONNECTIONS, **options)
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", functools.partial(_ping_after_rest, engine))
    return engine


def _configure_sqlite(connection, record) -> None:  # type: ignore[no-untyped-def]
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the lock at once: one that first reads could not get it later without starting anew."""
    writing = connection.get_execution_options().get("writing")
    if writing:
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if writing == 'lasting' else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _do_not_wait_for_the_disk(connection, record) -> None:  # type: ignore[no-untyped-def]
    connection.execute("SET synchronous_commit TO OFF")


def _note_rest(connection, record) -> None:  # type: ignore[no-untyped-def]
    record.info["resting_since"] = time.monotonic()


def _ping_after_rest(engine: Engine, connection, record, proxy) -> None:  # type: ignore[no-untyped-def]
    """A connection that has rested may be gone with its server. Asking at every use would double what a submit asks."""
    if time.monotonic() - record.info.get("resting_since", time.monotonic()) <= REST_SECONDS:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error:
        raise DisconnectionError from None  # the pool takes a fresh one
