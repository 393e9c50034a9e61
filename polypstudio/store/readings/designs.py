"""Designs as they are stored, with the items that were drawn for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from polypstudio.errors import UserError
from polypstudio.reading.design import Item, ReadingDesign, random_id
from polypstudio.records import ImageKey
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import has_database, now, reading_from, writing_to
from polypstudio.store.readings.tables import designs, items


@dataclass(frozen=True)
class Design:
    """A stored design. ``closed``: a later version of its ``series`` has taken its place."""

    id: str
    body: ReadingDesign
    image_size: int
    practice: bool
    created: str
    series: str
    version: int
    closed: bool


def create_design(
    study: StudyPaths, body: ReadingDesign, drawn: Sequence[Item], image_size: int, practice: bool = False
) -> str:
    """Stores a design with its items; returns its id. ``image_size``: side in pixels at which all images are shown."""
    design = random_id()
    with writing_to(study) as connection:
        insert_design(connection, Design(design, body, image_size, practice, now(), design, 1, False), study, drawn)
    return design


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


def design_of(connection: Connection, study: StudyPaths, design: str) -> Design:
    """A stored design; UserError if the study has none of that id."""
    row = connection.execute(select(designs).where(designs.c.id == design, designs.c.study == study.name)).first()
    if row is None:
        raise UserError(f"no reading `{design}` in study {study.name}")
    return _as_design(row)


def items_of(connection: Connection, design: str) -> list[Item]:
    """The items of a design, in the order of their ids: an order that tells nothing and never changes."""
    rows = connection.execute(select(items).where(items.c.design == design).order_by(items.c.id))
    return [
        Item(
            id=row.id,
            image=ImageKey(row.image_set, row.label, row.index),
            partner=ImageKey(row.partner_set, row.label, row.partner_index) if row.partner_set else None,
            training=row.training,
        )
        for row in rows.mappings()
    ]


def load_items(study: StudyPaths, design: str) -> list[Item]:
    """The items of a design."""
    with reading_from(study) as connection:
        return items_of(connection, design_of(connection, study, design).id)


def insert_design(connection: Connection, design: Design, study: StudyPaths, drawn: Sequence[Item]) -> None:
    """Adds a design and its items."""
    connection.execute(
        designs.insert().values(
            id=design.id,
            study=study.name,
            series=design.series,
            version=design.version,
            body=design.body.model_dump_json(),
            image_size=design.image_size,
            practice=design.practice,
            created=design.created,
        )
    )
    insert_items(connection, design.id, drawn)


def insert_items(connection: Connection, design: str, drawn: Sequence[Item]) -> None:
    """Adds the items of a design."""
    rows = [
        {
            "id": item.id,
            "design": design,
            **item.image._asdict(),
            "partner_set": item.partner.image_set if item.partner else None,
            "partner_index": item.partner.index if item.partner else None,
            "training": item.training,
        }
        for item in drawn
    ]
    connection.execute(items.insert(), rows)


def _as_design(row) -> Design:  # type: ignore[no-untyped-def]
    body = ReadingDesign.model_validate_json(row.body)
    return Design(
        row.id, body, row.image_size, row.practice, row.created, row.series or row.id, row.version, bool(row.closed)
    )
