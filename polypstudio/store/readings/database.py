"""The database of a study's readings: ``readings.sqlite`` of its own, or the one that POLYPSTUDIO_DATABASE_URL names."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from polypstudio.errors import UserError
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.migrations import bring_up_to_date

URL_VARIABLE = "POLYPSTUDIO_DATABASE_URL"
POSTGRES_DRIVER = "postgresql+psycopg"
CONNECTIONS = {"pool_size": 16, "max_overflow": 32}  # Gradio answers 40 calls at once; each holds one for milliseconds


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
    with engine_of(study).connect() as connection:
        yield connection


@contextmanager
def writing_to(study: StudyPaths) -> Iterator[Connection]:
    """A transaction: on disk when the block ends, undone if it raises."""
    with engine_of(study).execution_options(writing=True).begin() as connection:
        yield connection


@functools.lru_cache(maxsize=64)
def _engine(address: str) -> Engine:
    url = make_url(address)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername=POSTGRES_DRIVER)
    engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite", **CONNECTIONS)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    bring_up_to_date(engine.execution_options(writing=True), now())
    return engine


def _configure_sqlite(connection, record) -> None:  # type: ignore[no-untyped-def]
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the lock at once: one that first reads could not get it later without starting anew."""
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
