"""The readings that count: the last answer of each showing, none that was taken back."""

from __future__ import annotations

from sqlalchemy import func, select

from polypstudio.reading.records import Reading
from polypstudio.records import ImageKey
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import reading_from
from polypstudio.store.readings.tables import ANSWERS, items, presentations, readers, readings


def load_readings(study: StudyPaths, design: str, reader: str | None = None) -> list[Reading]:
    """The readings of a design (of one reader's code) that count: the last of each showing, none taken back.

    Training is not among them.
    """
    counting = latest_readings().subquery()
    query = (
        select(
            readers.c.code,
            items.c.image_set,
            items.c.label,
            items.c.index,
            presentations.c.repeat,
            presentations.c.position,
            presentations.c.swapped,
            counting.c.seconds,
            counting.c.zoom,
            counting.c.brightness,
            *(counting.c[answer.name] for answer in ANSWERS),
        )
        .join(presentations, presentations.c.id == counting.c.presentation)
        .join(readers, readers.c.id == presentations.c.reader)
        .join(items, items.c.id == presentations.c.item)
        .where(readers.c.design == design, items.c.training.is_(False))
        .order_by(readers.c.code, presentations.c.position)
    )
    if reader is not None:
        query = query.where(readers.c.code == reader)
    with reading_from(study) as connection:
        return [
            Reading(
                reader=row["code"],
                image=ImageKey(row["image_set"], row["label"], row["index"]),
                **{name: value for name, value in row.items() if name in Reading.model_fields},
            )
            for row in connection.execute(query).mappings()
        ]


def count_answers(study: StudyPaths, design: str) -> tuple[int, int]:
    """How many answers of a design count, training included, and how many were taken back."""
    own = (
        select(func.count())
        .join(presentations, presentations.c.id == readings.c.presentation)
        .join(readers, readers.c.id == presentations.c.reader)
        .where(readers.c.design == design)
    )
    last = select(func.max(readings.c.id)).group_by(readings.c.presentation)
    with reading_from(study) as connection:
        counting = own.where(readings.c.id.in_(last), readings.c.withdrawn.is_(False))
        withdrawn = own.where(readings.c.withdrawn)
        return connection.scalar(counting) or 0, connection.scalar(withdrawn) or 0


def latest_readings():  # type: ignore[no-untyped-def]
    """Selects the last row of each showing, unless that row takes its answer back."""
    last = select(func.max(readings.c.id)).group_by(readings.c.presentation)
    return select(readings).where(readings.c.id.in_(last), readings.c.withdrawn.is_(False))
