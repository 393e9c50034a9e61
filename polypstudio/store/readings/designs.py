"""The researcher's side of the database: designs, readers and their links, progress, and the readings that count."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from polypstudio.errors import UserError
from polypstudio.reading.design import Item, ReadingDesign, random_id, reader_order
from polypstudio.reading.scoring import Reading
from polypstudio.records import ImageKey
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.tables import (
    designs,
    has_database,
    items,
    now,
    presentations,
    readers,
    reading_from,
    readings,
    writing_to,
)


@dataclass(frozen=True)
class Design:
    """A stored design."""

    id: str
    body: ReadingDesign
    image_size: int
    practice: bool
    created: str


@dataclass(frozen=True)
class Link:
    """A reader's code and the secret of their link: known only now, since the database keeps its hash."""

    reader: str
    token: str


@dataclass(frozen=True)
class ReaderProgress:
    """How far a reader is."""

    reader: str
    answered: int
    total: int
    last: str | None


def token_hash(token: str) -> str:
    """sha256 of a token: what is stored instead of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_design(
    study: StudyPaths, body: ReadingDesign, drawn: Sequence[Item], image_size: int, practice: bool = False
) -> str:
    """Stores a design with its items; returns its id. ``image_size``: side in pixels at which all images are shown."""
    design = random_id()
    with writing_to(study) as connection:
        connection.execute(
            designs.insert().values(
                id=design,
                study=study.name,
                body=body.model_dump_json(),
                image_size=image_size,
                practice=practice,
                created=now(),
            )
        )
        connection.execute(
            items.insert(), [{"id": item.id, "design": design, **item.image._asdict()} for item in drawn]
        )
    return design


def add_readers(study: StudyPaths, design: str, codes: Sequence[str]) -> list[Link]:
    """Adds readers with an order each of their own; returns their links.

    Raises UserError if a code is used twice or the design is unknown.
    """
    body = _design(study, design).body
    links = [Link(code, secrets.token_urlsafe(24)) for code in codes]
    with writing_to(study) as connection:
        taken = set(connection.scalars(select(readers.c.code).where(readers.c.design == design)))
        twice = next((code for n, code in enumerate(codes) if code in taken or code in codes[:n]), None)
        if twice is not None:
            raise UserError(f"reader `{twice}` is there already: give each reader a code of their own")
        drawn = _items(connection, design)
        for link in links:
            reader = random_id()
            connection.execute(
                readers.insert().values(
                    id=reader, design=design, code=link.reader, token_hash=token_hash(link.token), created=now()
                )
            )
            connection.execute(
                presentations.insert(),
                [
                    {"id": random_id(), "reader": reader, "position": position, **showing.model_dump()}
                    for position, showing in enumerate(reader_order(body, drawn, link.reader))
                ],
            )
    return links


def list_designs(study: StudyPaths, practice: bool = False) -> list[Design]:
    """The study's designs (or its practice designs), the newest first."""
    if not has_database(study):
        return []
    chosen = (
        select(designs)
        .where(designs.c.study == study.name, designs.c.practice == practice)
        .order_by(designs.c.created.desc())
    )
    with reading_from(study) as connection:
        return [_as_design(row) for row in connection.execute(chosen)]


def reader_progress(study: StudyPaths, design: str) -> list[ReaderProgress]:
    """How far each reader of a design is, by code."""
    counting = latest_readings().subquery()
    query = (
        select(
            readers.c.code,
            func.count(counting.c.presentation),
            func.count(presentations.c.id),
            func.max(counting.c.created),
        )
        .join(presentations, presentations.c.reader == readers.c.id)
        .outerjoin(counting, counting.c.presentation == presentations.c.id)
        .where(readers.c.design == design)
        .group_by(readers.c.id, readers.c.code)
        .order_by(readers.c.code)
    )
    with reading_from(study) as connection:
        return [ReaderProgress(*row) for row in connection.execute(query)]


def load_readings(study: StudyPaths, design: str, reader: str | None = None) -> list[Reading]:
    """The readings of a design (of one reader's code) that count: the last of each showing, none taken back."""
    counting = latest_readings().subquery()
    query = (
        select(
            readers.c.code,
            items.c.image_set,
            items.c.label,
            items.c.index,
            presentations.c.repeat,
            presentations.c.position,
            counting.c.source,
            counting.c.pathology,
            counting.c.seconds,
        )
        .join(presentations, presentations.c.id == counting.c.presentation)
        .join(readers, readers.c.id == presentations.c.reader)
        .join(items, items.c.id == presentations.c.item)
        .where(readers.c.design == design)
        .order_by(readers.c.code, presentations.c.position)
    )
    if reader is not None:
        query = query.where(readers.c.code == reader)
    with reading_from(study) as connection:
        return [
            Reading(
                reader=code,
                image=ImageKey(image_set, label, index),
                repeat=repeat,
                position=position,
                source=source,
                pathology=pathology,
                seconds=seconds,
            )
            for code, image_set, label, index, repeat, position, source, pathology, seconds in connection.execute(query)
        ]


def latest_readings():  # type: ignore[no-untyped-def]
    """Selects the last row of each showing, unless that row takes its answer back."""
    last = select(func.max(readings.c.id)).group_by(readings.c.presentation)
    return select(readings).where(readings.c.id.in_(last), readings.c.withdrawn.is_(False))


def _design(study: StudyPaths, design: str) -> Design:
    with reading_from(study) as connection:
        row = connection.execute(select(designs).where(designs.c.id == design, designs.c.study == study.name)).first()
    if row is None:
        raise UserError(f"no reading `{design}` in study {study.name}")
    return _as_design(row)


def _as_design(row) -> Design:  # type: ignore[no-untyped-def]
    return Design(row.id, ReadingDesign.model_validate_json(row.body), row.image_size, row.practice, row.created)


def _items(connection: Connection, design: str) -> list[Item]:
    """The items of a design, in the order of their ids: an order that tells nothing and never changes."""
    query = select(items.c.id, items.c.image_set, items.c.label, items.c.index)
    rows = connection.execute(query.where(items.c.design == design).order_by(items.c.id))
    return [Item(id=item, image=ImageKey(*key)) for item, *key in rows]
