"""The reader's side of the database: where a reader is, one-time image addresses, answers, undo.

Nothing here tells what an image is, with two exceptions: :func:`redeem_address` answers the server and not the browser,
and :func:`feedback` tells of a training item once it has been answered.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, Row, bindparam, func, or_, select, true
from sqlalchemy.exc import IntegrityError

from polypstudio.reading.design import ReadingDesign
from polypstudio.reading.order import can_undo
from polypstudio.records import ImageKey
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import has_database, now, reading_from, writing_to
from polypstudio.store.readings.links import token_hash
from polypstudio.store.readings.tables import addresses, designs, items, presentations, readers, readings

# The statements are made once: putting one together takes longer than SQLite needs to answer it.
_FIND = (
    select(
        readers.c.id,
        readers.c.code,
        readers.c.design,
        designs.c.body,
        designs.c.image_size,
        designs.c.practice,
        designs.c.study,
    )
    .join(designs, designs.c.id == readers.c.design)
    .where(
        readers.c.token_hash == bindparam("hash"),
        readers.c.revoked.is_(None),
        or_(readers.c.expires.is_(None), readers.c.expires > bindparam("time")),
        designs.c.closed.is_(None),
    )
)
_HOLD = select(readers.c.id).where(readers.c.id == bindparam("reader")).with_for_update()
_LAST_WITHDRAWN = (
    select(readings.c.withdrawn)
    .where(readings.c.presentation == presentations.c.id)
    .order_by(readings.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_EVERY = presentations.alias()
_TOTAL = select(func.count()).where(_EVERY.c.reader == bindparam("reader")).scalar_subquery()
_OPEN_SHOWINGS = (
    select(presentations.c.id, presentations.c.position, _TOTAL.label("total"))
    .where(presentations.c.reader == bindparam("reader"), func.coalesce(_LAST_WITHDRAWN, true()))
    .order_by(presentations.c.position)
    .limit(bindparam("most", type_=Integer))
)
_SHOWING_AT = select(presentations.c.id).where(
    presentations.c.reader == bindparam("reader"), presentations.c.position == bindparam("position")
)
_SHOWN = (
    select(items, designs.c.image_size, designs.c.study, presentations.c.swapped, addresses.c.side)
    .join(designs, designs.c.id == items.c.design)
    .join(presentations, presentations.c.item == items.c.id)
    .join(addresses, addresses.c.presentation == presentations.c.id)
    .where(addresses.c.token_hash == bindparam("hash"))
)
_CLAIM = (
    addresses.update()
    .where(addresses.c.token_hash == bindparam("hash"), addresses.c.used.is_(None))
    .values(used=bindparam("time"))
)
_ADD_ADDRESS = addresses.insert()
_ADD_READING = readings.insert()


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
    given = {"hash": token_hash(token), "time": now()}
    for study in studies:
        if not has_database(study):
            continue
        with reading_from(study) as connection:
            row = connection.execute(_FIND, given).first()
        if row is not None and row.study == study.name:
            return ReaderSession(study, row.id, row.code, row.design, _body(row.body), row.image_size, row.practice)
    return None


@functools.lru_cache(maxsize=64)
def _body(stored: str) -> ReadingDesign:
    return ReadingDesign.model_validate_json(stored)


def place(reader: ReaderSession) -> Place:
    """Where the reader is, from what is stored: the first showing without an answer, and the one after it."""
    with reading_from(reader.study) as connection:
        return _place(connection, reader)


def submit(reader: ReaderSession, answer: Answer) -> Place:
    """Stores an answer on the current showing; returns where the reader is then.

    A repeated submit, or an answer on any other showing, changes nothing.
    """
    try:
        with writing_to(reader.study) as connection:
            _hold(connection, reader)
            ahead = _open_showings(connection, reader, 3)
            if not ahead or ahead[0].id != answer.showing:
                return _place(connection, reader)
            _add(
                connection,
                answer.submit,
                presentation=answer.showing,
                withdrawn=False,
                seconds=answer.seconds,
                zoom=answer.zoom,
                brightness=answer.brightness,
                **answer.answers,
            )
            return _place_at(ahead[1:], ahead[0].total)
    except IntegrityError:  # an act of old, arriving again after its answer was taken back
        return place(reader)


def undo(reader: ReaderSession, act: str) -> Place:
    """Takes back the reader's last answer of the current block, by a further row; returns where the reader is then."""
    try:
        with writing_to(reader.study) as connection:
            _hold(connection, reader)
            position = _place(connection, reader).position
            if can_undo(reader.body, position):
                before = connection.scalar(_SHOWING_AT, {"reader": reader.id, "position": position - 1})
                _add(connection, act, presentation=before, withdrawn=True, seconds=0.0)
            return _place(connection, reader)
    except IntegrityError:  # the same act again
        return place(reader)


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
    with writing_to(reader.study, lasting=False) as connection:
        if showing not in _place(connection, reader).showings or side not in ((0, 1) if reader.body.is_pairs else (0,)):
            return None
        address = secrets.token_urlsafe(24)
        row = {"token_hash": token_hash(address), "presentation": showing, "side": side, "issued": now()}
        connection.execute(_ADD_ADDRESS, row)
    return address


def redeem_address(studies: Iterable[StudyPaths], address: str) -> tuple[StudyPaths, ImageKey, int] | None:
    """What an address stands for (study, image, side in pixels), used up by asking; None for a guess or a second use."""
    given = {"hash": token_hash(address), "time": now()}
    by_name = {study.name: study for study in studies if has_database(study)}
    for study in by_name.values():
        with reading_from(study) as connection:
            row = connection.execute(_SHOWN, given).mappings().first()
        if row is None or row["study"] not in by_name:
            continue
        with writing_to(study, lasting=False) as connection:
            if connection.execute(_CLAIM, given).rowcount != 1:
                return None
        partner = row["partner_set"] is not None and row["swapped"] == (row["side"] == 0)
        image_set, index = (row["partner_set"], row["partner_index"]) if partner else (row["image_set"], row["index"])
        return by_name[row["study"]], ImageKey(image_set, row["label"], index), row["image_size"]
    return None


def _place(connection: Connection, reader: ReaderSession) -> Place:
    ahead = _open_showings(connection, reader, 2)
    return _place_at(ahead, ahead[0].total if ahead else connection.scalar(select(_TOTAL), {"reader": reader.id}) or 0)


def _place_at(ahead: Sequence[Row], total: int) -> Place:
    """The place of a reader whose open showings are ``ahead``."""
    return Place(ahead[0].position if ahead else total, total, tuple(row.id for row in ahead[:2]))


def _open_showings(connection: Connection, reader: ReaderSession, most: int) -> Sequence[Row]:
    """The reader's first showings without an answer (id, position), each with the ``total`` of their showings."""
    return connection.execute(_OPEN_SHOWINGS, {"reader": reader.id, "most": most}).all()


def _add(connection: Connection, act: str, **row: Any) -> None:
    """Adds a row of ``readings``; IntegrityError if the act is known already: a retry is the same row."""
    connection.execute(_ADD_READING, {"submit": act, "created": now(), **row})


def _hold(connection: Connection, reader: ReaderSession) -> None:
    """One act of a reader at a time: two pages of theirs, on servers of two hosts, would both find the showing open.

    SQLite has but one writer.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_HOLD, {"reader": reader.id})
