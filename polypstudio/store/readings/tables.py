"""The tables of readings and the database that holds them.

One database a study (``readings.sqlite``), or one for all of them where POLYPSTUDIO_DATABASE_URL names it. Rows of
``readings`` are only ever added: an answer taken back is a further row with ``withdrawn`` set.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.exc import ArgumentError, OperationalError

from polypstudio.errors import UserError
from polypstudio.store.paths import StudyPaths

URL_VARIABLE = "POLYPSTUDIO_DATABASE_URL"
metadata = MetaData()

designs = Table(
    "designs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("study", Text, nullable=False, index=True),
    Column("body", Text, nullable=False, comment="the ReadingDesign as JSON"),
    Column("image_size", Integer, nullable=False, comment="side in pixels at which every image is shown"),
    Column("practice", Boolean, nullable=False),
    Column("created", String(32), nullable=False),
)
items = Table(
    "items",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("design", ForeignKey("designs.id"), nullable=False, index=True),
    Column("image_set", String(64), nullable=False),
    Column("label", String(16), nullable=False),
    Column("index", Integer, nullable=False),
)
readers = Table(
    "readers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("design", ForeignKey("designs.id"), nullable=False, index=True),
    Column("code", String(64), nullable=False, comment="all that is known of the clinician"),
    Column("token_hash", String(64), nullable=False, unique=True, comment="sha256 of the personal link's token"),
    Column("created", String(32), nullable=False),
    UniqueConstraint("design", "code"),
)
presentations = Table(
    "presentations",
    metadata,
    Column("id", String(32), primary_key=True, comment="random: what the browser calls a showing"),
    Column("reader", ForeignKey("readers.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("item", ForeignKey("items.id"), nullable=False),
    Column("repeat", Boolean, nullable=False),
    UniqueConstraint("reader", "position"),
)
addresses = Table(
    "addresses",
    metadata,
    Column("token_hash", String(64), primary_key=True, comment="sha256 of an image address that works once"),
    Column("presentation", ForeignKey("presentations.id"), nullable=False, index=True),
    Column("issued", String(32), nullable=False),
    Column("used", String(32)),
)
readings = Table(
    "readings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("presentation", ForeignKey("presentations.id"), nullable=False, index=True),
    Column("submit", String(64), nullable=False, unique=True, comment="the client's id: a retry is the same row"),
    Column("withdrawn", Boolean, nullable=False),
    Column("source", Integer, comment="1 surely synthetic … 6 surely real, 0 cannot judge"),
    Column("pathology", Integer, comment="1 surely Non-AD … 6 surely AD, 0 cannot judge"),
    Column("seconds", Float, nullable=False),
    Column("created", String(32), nullable=False),
)


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
    except (ArgumentError, OperationalError, ImportError) as error:
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
def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    metadata.create_all(engine)
    return engine


def _configure_sqlite(connection, record) -> None:  # type: ignore[no-untyped-def]
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the lock at once: one that first reads could not get it later without starting anew."""
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
