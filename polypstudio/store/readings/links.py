"""Readers of a design: their personal links, their orders, and how far they are."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, func, select, update

from polypstudio.errors import UserError
from polypstudio.reading.design import Item, ReadingDesign, random_id
from polypstudio.reading.order import reader_order
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.answers import latest_readings
from polypstudio.store.readings.database import now, reading_from, writing_to
from polypstudio.store.readings.designs import design_of, items_of
from polypstudio.store.readings.tables import designs, presentations, readers


@dataclass(frozen=True)
class Link:
    """A reader's code and the secret of their link: known only now, since the database keeps its hash."""

    reader: str
    token: str


@dataclass(frozen=True)
class ReaderProgress:
    """How far a reader is, and whether their link opens the reading."""

    reader: str
    answered: int
    total: int
    last: str | None
    link: Literal["open", "expired", "revoked"]
    expires: str | None


def new_token() -> str:
    """192 random bits, URL-safe."""
    return secrets.token_urlsafe(24)


def token_hash(token: str) -> str:
    """sha256 of a token: what is stored instead of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def expiry(days: int | None) -> str | None:
    """When a link made now ends; None: never."""
    ends = datetime.now(UTC) + timedelta(days=days) if days else None
    return ends.isoformat(timespec="milliseconds") if ends else None


def add_readers(study: StudyPaths, design: str, codes: Sequence[str], days: int | None = None) -> list[Link]:
    """Adds readers with an order each of their own, whose links end after ``days``; returns their links.

    Raises UserError if a code is used twice or the design is unknown or closed.
    """
    with writing_to(study) as connection:
        stored = design_of(connection, study, design)
        if stored.closed:
            raise UserError("this version was replaced by a later one: add the reader there")
        taken = set(connection.scalars(select(readers.c.code).where(readers.c.design == design)))
        twice = next((code for n, code in enumerate(codes) if code in taken or code in codes[:n]), None)
        if twice is not None:
            raise UserError(f"reader `{twice}` is there already: give each reader a code of their own")
        ends = expiry(days)
        return enrol(connection, stored.body, items_of(connection, design), design, dict.fromkeys(codes, ends))


def renew_link(study: StudyPaths, design: str, code: str, days: int | None = None) -> Link:
    """Gives a reader a new link; the old one is refused from now on, and what they have answered stays."""
    link = Link(code, new_token())
    _change_link(study, design, code, token_hash=token_hash(link.token), expires=expiry(days), revoked=None)
    return link


def revoke_link(study: StudyPaths, design: str, code: str) -> None:
    """Refuses a reader's link from now on; what they have answered stays."""
    _change_link(study, design, code, revoked=now())


def reader_progress(study: StudyPaths, design: str) -> list[ReaderProgress]:
    """How far each reader of a design is, by code."""
    counting = latest_readings().subquery()
    query = (
        select(
            readers.c.code,
            func.count(counting.c.presentation),
            func.count(presentations.c.id),
            func.max(counting.c.created),
            readers.c.revoked,
            readers.c.expires,
        )
        .join(presentations, presentations.c.reader == readers.c.id)
        .outerjoin(counting, counting.c.presentation == presentations.c.id)
        .where(readers.c.design == design)
        .group_by(readers.c.id, readers.c.code, readers.c.revoked, readers.c.expires)
        .order_by(readers.c.code)
    )
    time = now()
    with reading_from(study) as connection:
        return [
            ReaderProgress(code, answered, total, last, _link_state(revoked, expires, time), expires)
            for code, answered, total, last, revoked, expires in connection.execute(query)
        ]


def enrol(
    connection: Connection, body: ReadingDesign, drawn: list[Item], design: str, expires: Mapping[str, str | None]
) -> list[Link]:
    """Adds readers, code -> end of their link, and deals each an order."""
    links = [Link(code, new_token()) for code in expires]
    ids = [random_id() for _ in links]
    for reader, link in zip(ids, links, strict=True):
        connection.execute(
            readers.insert().values(
                id=reader,
                design=design,
                code=link.reader,
                token_hash=token_hash(link.token),
                created=now(),
                expires=expires[link.reader],
            )
        )
    deal_orders(connection, body, drawn, [(reader, link.reader) for reader, link in zip(ids, links, strict=True)])
    return links


def deal_orders(
    connection: Connection, body: ReadingDesign, drawn: list[Item], taking_part: Sequence[tuple[str, str]]
) -> None:
    """Stores the sequence of showings of each reader (id, code)."""
    drawn = sorted(drawn, key=lambda item: item.id)
    rows = [
        {"id": random_id(), "reader": reader, "position": position, **showing.model_dump()}
        for reader, code in taking_part
        for position, showing in enumerate(reader_order(body, drawn, code))
    ]
    if rows:
        connection.execute(presentations.insert(), rows)


def _link_state(revoked: str | None, expires: str | None, time: str) -> Literal["open", "expired", "revoked"]:
    return "revoked" if revoked else "expired" if expires and expires <= time else "open"


def _change_link(study: StudyPaths, design: str, code: str, **values: str | None) -> None:
    known = select(designs.c.id).where(designs.c.study == study.name)
    chosen = update(readers).where(readers.c.design == design, readers.c.code == code, readers.c.design.in_(known))
    with writing_to(study) as connection:
        if connection.execute(chosen.values(**values)).rowcount != 1:
            raise UserError(f"no reader `{code}` in this reading")
