"""The reader's side of the database: where a reader is, one-time image addresses, answers, undo.

Nothing here tells what an image is, with two exceptions: :func:`redeem_address` answers the server and not the browser,
and :func:`feedback` tells of a training item once it has been answered.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select, true
from sqlalchemy.exc import IntegrityError

from polypstudio.reading.design import ReadingDesign
from polypstudio.reading.order import can_undo
from polypstudio.records import ImageKey
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import has_database, now, reading_from, writing_to
from polypstudio.store.readings.links import token_hash
from polypstudio.store.readings.tables import addresses, designs, items, presentations, readers, readings


@dataclass(frozen=True)
class ReaderSession:
    """A reader, found by the token of their link, and what they take part in."""

    study: StudyPaths
    id: str
    code: str
    design: str
    body: ReadingDesign
    image_size: int
    practice: bool


@dataclass(frozen=True)
class Place:
    """Where a reader is: ``position`` showings are answered; ``showings`` are the ids of the current and the next."""

    position: int
    total: int
    showings: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return self.position == self.total


@dataclass(frozen=True)
class Answer:
    """What the browser submits on one showing. ``submit`` is its own id of this act, the same at every retry.

    ``answers``: question -> step, option or text. ``zoom``: the largest used; ``brightness``: the last.
    """

    showing: str
    submit: str
    answers: Mapping[str, int | str | None]
    seconds: float
    zoom: float | None = None
    brightness: float | None = None


@dataclass(frozen=True)
class TrainingItem:
    """What a training item is, told after its answer. ``swapped``: of a pair, the real image is the left one."""

    image: ImageKey
    pair: bool
    swapped: bool


def find_reader(studies: Iterable[StudyPaths], token: str) -> ReaderSession | None:
    """The reader whose personal link carries ``token``, among the studies.

    None if nobody's does, or if the link has ended, was replaced or revoked, or belongs to a version that was replaced.
    """
    query = (
        select(readers.c.id, readers.c.code, readers.c.design, designs.c.body, designs.c.image_size, designs.c.practice)
        .join(designs, designs.c.id == readers.c.design)
        .where(
            readers.c.token_hash == token_hash(token),
            readers.c.revoked.is_(None),
            or_(readers.c.expires.is_(None), readers.c.expires > now()),
            designs.c.closed.is_(None),
        )
    )
    for study in studies:
        if not has_database(study):
            continue
        with reading_from(study) as connection:
            row = connection.execute(query.where(designs.c.study == study.name)).first()
        if row is not None:
            body = ReadingDesign.model_validate_json(row.body)
            return ReaderSession(study, row.id, row.code, row.design, body, row.image_size, row.practice)
    return None


def place(reader: ReaderSession) -> Place:
    """Where the reader is, from what is stored: the first showing without an answer, and the one after it."""
    with reading_from(reader.study) as connection:
        return _place(connection, reader)


def submit(reader: ReaderSession, answer: Answer) -> Place:
    """Stores an answer on the current showing; returns where the reader is then.

    A repeated submit, or an answer on any other showing, changes nothing.
    """
    return _append(reader, answer.submit, answer)


def undo(reader: ReaderSession, act: str) -> Place:
    """Takes back the reader's last answer of the current block, by a further row; returns where the reader is then."""
    return _append(reader, act, None)


def feedback(reader: ReaderSession, showing: str) -> TrainingItem | None:
    """What a training item is, once the reader has answered it; None before that, and for all other showings."""
    answered = select(readings.c.id).where(readings.c.presentation == presentations.c.id).exists()
    query = (
        select(items.c.image_set, items.c.label, items.c.index, presentations.c.swapped)
        .join(presentations, presentations.c.item == items.c.id)
        .where(presentations.c.id == showing, presentations.c.reader == reader.id, items.c.training, answered)
    )
    with reading_from(reader.study) as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    image_set, label, index, swapped = row
    return TrainingItem(ImageKey(image_set, label, index), reader.body.is_pairs, swapped)


def issue_address(reader: ReaderSession, showing: str, side: int = 0) -> str | None:
    """A new address that yields an image once; None unless the showing is the reader's current or next one.

    ``side``: of a pair, 0 for the left image and 1 for the right one.
    """
    with writing_to(reader.study) as connection:
        if showing not in _place(connection, reader).showings or side not in ((0, 1) if reader.body.is_pairs else (0,)):
            return None
        address = secrets.token_urlsafe(24)
        row = {"token_hash": token_hash(address), "presentation": showing, "side": side, "issued": now()}
        connection.execute(addresses.insert().values(**row))
    return address


def redeem_address(studies: Iterable[StudyPaths], address: str) -> tuple[StudyPaths, ImageKey, int] | None:
    """What an address stands for (study, image, side in pixels), used up by asking; None for a guess or a second use."""
    claim = (
        addresses.update()
        .where(addresses.c.token_hash == token_hash(address), addresses.c.used.is_(None))
        .values(used=now())
    )
    shown = (
        select(items, designs.c.image_size, designs.c.study, presentations.c.swapped, addresses.c.side)
        .join(designs, designs.c.id == items.c.design)
        .join(presentations, presentations.c.item == items.c.id)
        .join(addresses, addresses.c.presentation == presentations.c.id)
        .where(addresses.c.token_hash == token_hash(address))
    )
    by_name = {study.name: study for study in studies if has_database(study)}
    for study in by_name.values():
        with reading_from(study) as connection:
            row = connection.execute(shown).mappings().first()
        if row is None or row["study"] not in by_name:
            continue
        with writing_to(study) as connection:
            if connection.execute(claim).rowcount != 1:
                return None
        partner = row["partner_set"] is not None and row["swapped"] == (row["side"] == 0)
        image_set, index = (row["partner_set"], row["partner_index"]) if partner else (row["image_set"], row["index"])
        return by_name[row["study"]], ImageKey(image_set, row["label"], index), row["image_size"]
    return None


def _place(connection: Connection, reader: ReaderSession) -> Place:
    own = presentations.c.reader == reader.id
    last_withdrawn = (
        select(readings.c.withdrawn)
        .where(readings.c.presentation == presentations.c.id)
        .order_by(readings.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    open_showings = (
        select(presentations.c.id, presentations.c.position)
        .where(own, func.coalesce(last_withdrawn, true()))
        .order_by(presentations.c.position)
        .limit(2)
    )
    rows = connection.execute(open_showings).all()
    total = connection.scalar(select(func.count()).select_from(presentations).where(own)) or 0
    return Place(rows[0].position if rows else total, total, tuple(row.id for row in rows))


def _append(reader: ReaderSession, act: str, answer: Answer | None) -> Place:
    """Adds the row of an answer, or of taking the last one back; an act that is known already adds nothing."""
    try:
        with writing_to(reader.study) as connection:
            # One act of a reader at a time: two pages of theirs, on servers of two hosts, would both find the showing open.
            connection.execute(select(readers.c.id).where(readers.c.id == reader.id).with_for_update())
            if connection.scalar(select(readings.c.id).where(readings.c.submit == act)) is None:
                row = _answer_row(connection, reader, answer) if answer else _undo_row(connection, reader)
                if row is not None:
                    connection.execute(readings.insert().values(submit=act, created=now(), **row))
            return _place(connection, reader)
    except IntegrityError:  # the same act, stored meanwhile by another process
        return place(reader)


def _answer_row(connection: Connection, reader: ReaderSession, answer: Answer) -> dict | None:
    if answer.showing not in _place(connection, reader).showings[:1]:
        return None
    return {
        "presentation": answer.showing,
        "withdrawn": False,
        **answer.answers,
        "seconds": answer.seconds,
        "zoom": answer.zoom,
        "brightness": answer.brightness,
    }


def _undo_row(connection: Connection, reader: ReaderSession) -> dict | None:
    position = _place(connection, reader).position
    if not can_undo(reader.body, position):
        return None
    before = select(presentations.c.id).where(
        presentations.c.reader == reader.id, presentations.c.position == position - 1
    )
    return {"presentation": connection.scalar(before), "withdrawn": True, "seconds": 0.0}
