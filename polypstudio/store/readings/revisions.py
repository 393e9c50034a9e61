"""A change of a design: replaced before the first reading is in, a new version after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from polypstudio.errors import UserError
from polypstudio.reading.design import Item, ReadingDesign, random_id
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import now, reading_from, writing_to
from polypstudio.store.readings.designs import Design, design_of, insert_design, insert_items
from polypstudio.store.readings.links import Link, deal_orders, enrol
from polypstudio.store.readings.tables import addresses, designs, items, presentations, readers, readings


@dataclass(frozen=True)
class Revision:
    """What became of a change: the design that now holds it, and new links where it is a new version."""

    design: str
    version: int
    links: list[Link]


def revise_design(
    study: StudyPaths, design: str, body: ReadingDesign, drawn: Sequence[Item], image_size: int
) -> Revision:
    """Changes a design. Before the first reading it is replaced, and its links go on; after it, it is frozen.

    A frozen design stays as it is and is closed: its links are refused, and a new version gets links of its own, for
    readers of the same codes. Raises UserError if the design is unknown or closed.
    """
    with writing_to(study) as connection:
        # Readers submit under a lock on their own row: while all of them are held, no first reading slips in.
        taking_part = connection.execute(
            select(readers.c.id, readers.c.code, readers.c.expires)
            .where(readers.c.design == design)
            .order_by(readers.c.code)
            .with_for_update()
        ).all()
        old = design_of(connection, study, design)
        if old.closed:
            raise UserError("this version was replaced by a later one: change that one")
        if not _is_frozen(connection, design):
            _replace(connection, old, body, drawn, image_size)
            deal_orders(connection, body, list(drawn), [(row.id, row.code) for row in taking_part])
            return Revision(design, old.version, [])
        connection.execute(update(designs).where(designs.c.id == design).values(closed=now()))
        new = Design(random_id(), body, image_size, old.practice, now(), old.series, old.version + 1, False)
        insert_design(connection, new, study, drawn)
        expiry = {row.code: row.expires for row in taking_part}
        return Revision(new.id, new.version, enrol(connection, body, list(drawn), new.id, expiry))


def is_frozen(study: StudyPaths, design: str) -> bool:
    """Whether a change of the design makes a new version: a reading of it is in."""
    with reading_from(study) as connection:
        return _is_frozen(connection, design)


def _is_frozen(connection: Connection, design: str) -> bool:
    first = (
        select(readings.c.id)
        .join(presentations, presentations.c.id == readings.c.presentation)
        .join(readers, readers.c.id == presentations.c.reader)
        .where(readers.c.design == design)
        .limit(1)
    )
    return connection.scalar(first) is not None


def _replace(connection: Connection, old: Design, body: ReadingDesign, drawn: Sequence[Item], image_size: int) -> None:
    """Puts another body and other items in the place of a design that nobody has answered."""
    own = select(readers.c.id).where(readers.c.design == old.id)
    shown = select(presentations.c.id).where(presentations.c.reader.in_(own))
    connection.execute(delete(addresses).where(addresses.c.presentation.in_(shown)))
    connection.execute(delete(presentations).where(presentations.c.reader.in_(own)))
    connection.execute(delete(items).where(items.c.design == old.id))
    values = {"body": body.model_dump_json(), "image_size": image_size}
    connection.execute(update(designs).where(designs.c.id == old.id).values(**values))
    insert_items(connection, old.id, drawn)
