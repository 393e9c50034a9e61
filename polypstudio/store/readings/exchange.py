"""Readings in and out: JSON with everything, CSV with one row a reading, and a copy of the live database."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, select
from sqlalchemy.exc import IntegrityError

from polypstudio.errors import UserError
from polypstudio.store.atomic import write_text
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.database import engine_of, has_database, now, reading_from, writing_to
from polypstudio.store.readings.tables import ANSWERS, designs, items, presentations, readers, readings

Rows = list[dict[str, Any]]

FORMAT = "polypstudio readings"
VERSIONS = (1, 2)  # in 1 there were no pairs, no training and two questions
_TABLES = (designs, items, readers, presentations, readings)  # in the order in which they refer to each other
_CSV_QUERY = (
    select(
        readers.c.design,
        readers.c.code.label("reader"),
        presentations.c.id.label("showing"),
        presentations.c.position,
        presentations.c.repeat,
        items.c.image_set,
        items.c.label,
        items.c.index,
        items.c.partner_set,
        items.c.partner_index,
        items.c.training,
        presentations.c.swapped,
        readings.c.submit,
        *ANSWERS,
        readings.c.withdrawn,
        readings.c.seconds,
        readings.c.zoom,
        readings.c.brightness,
        readings.c.created,
    )
    .select_from(readings)
    .join(presentations, presentations.c.id == readings.c.presentation)
    .join(readers, readers.c.id == presentations.c.reader)
    .join(items, items.c.id == presentations.c.item)
    .join(designs, designs.c.id == readers.c.design)
    .order_by(readings.c.id)
)


def export_readings(study: StudyPaths, file: Path) -> int:
    """Writes ``file`` (.json: designs, readers, orders and readings; .csv: one row a reading). Returns the readings.

    Answers taken back are in both, marked as withdrawn. Raises UserError for another suffix.
    """
    text, count = exported(study, _kind(file))
    write_text(file, text)
    return count


def exported(study: StudyPaths, kind: str) -> tuple[str, int]:
    """The text of an export (``json`` or ``csv``), and how many readings it holds."""
    if not has_database(study):
        raise UserError(f"{study.name} has no readings: nothing to export")
    with reading_from(study) as connection:
        if kind == "json":
            content = {table.name: _rows(connection, table, study.name) for table in _TABLES}
            head = {"format": FORMAT, "version": VERSIONS[-1], "study": study.name, "exported": now()}
            return json.dumps({**head, **content}, indent=1, ensure_ascii=False) + "\n", len(content["readings"])
        result = connection.execute(_CSV_QUERY.where(designs.c.study == study.name))
        rows = result.all()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.keys())
    writer.writerows([int(value) if isinstance(value, bool) else value for value in row] for row in rows)
    return text.getvalue(), len(rows)


def import_readings(study: StudyPaths, file: Path) -> int:
    """Adds what an export holds and this study lacks; returns the readings added. Importing twice adds nothing.

    A CSV holds readings only: the design and its readers must be here already. Raises UserError naming file and row.
    """
    kind = _kind(file)
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    try:
        text = file.read_text()
        content = _from_json(text, study) if kind == "json" else _from_csv(text, study, file)
        with writing_to(study) as connection:
            added = {table: _add_missing(connection, table, rows) for table, rows in content.items()}
    except (ValueError, KeyError, TypeError, IntegrityError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file}: not an export of readings ({reason})") from None
    return added[readings]


def backup(study: StudyPaths, file: Path) -> None:
    """Copies the live database to ``file``, whole and consistent while readers go on (SQLite's online backup)."""
    engine = engine_of(study) if has_database(study) else None
    if engine is None:
        raise UserError(f"{study.name} has no readings: nothing to back up")
    if engine.dialect.name != "sqlite":
        raise UserError(f"readings of {study.name} are in {engine.dialect.name}: back them up with its own tool")
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".tmp")
    os.close(handle)
    try:
        with closing(sqlite3.connect(study.readings)) as source, closing(sqlite3.connect(temporary)) as target:
            source.backup(target)
        os.replace(temporary, file)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _kind(file: Path) -> str:
    kind = file.suffix.lower().removeprefix(".")
    if kind not in ("csv", "json"):
        raise UserError(f"{file}: name it *.json (everything) or *.csv (one row a reading)")
    return kind


def _rows(connection: Connection, table: Table, study: str) -> Rows:
    """The rows of a table that belong to the study."""
    chosen = {
        "designs": select(designs),
        "items": select(items).join_from(items, designs),
        "readers": select(readers).join_from(readers, designs),
        "presentations": select(presentations).join_from(presentations, readers).join_from(readers, designs),
        "readings": select(readings)
        .join_from(readings, presentations)
        .join_from(presentations, readers)
        .join_from(readers, designs)
        .order_by(readings.c.id),
    }[table.name].where(designs.c.study == study)
    return [dict(row) for row in connection.execute(chosen).mappings()]


def _from_json(text: str, study: StudyPaths) -> dict[Table, Rows]:
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") not in VERSIONS:
        raise ValueError(f"`format` is not `{FORMAT}`, version {VERSIONS[0]} to {VERSIONS[-1]}")
    tables = {table: [dict(row) for row in content[table.name]] for table in _TABLES}
    for design in tables[designs]:
        design["study"] = study.name  # the study may have been copied under another name
    return tables


def _from_csv(text: str, study: StudyPaths, file: Path) -> dict[Table, Rows]:
    with reading_from(study) as connection:
        known = {row["id"] for row in _rows(connection, presentations, study.name)}
    rows = []
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        if row["showing"] not in known:
            raise UserError(f"{file}, line {number}: its reading is not in {study.name}; import the JSON export first")
        rows.append(
            {
                "presentation": row["showing"],
                "submit": row["submit"],
                "withdrawn": bool(int(row["withdrawn"])),
                **{answer.name: _cell(answer, row.get(answer.name)) for answer in ANSWERS},
                "seconds": float(row["seconds"]),
                "zoom": float(row["zoom"]) if row.get("zoom") else None,
                "brightness": float(row["brightness"]) if row.get("brightness") else None,
                "created": row["created"],
            }
        )
    return {readings: rows}


def _cell(column: Column, text: str | None) -> int | str | None:
    if not text:
        return None
    return int(text) if isinstance(column.type, Integer) else text


def _add_missing(connection: Connection, table: Table, rows: Rows) -> int:
    """Adds the rows whose key is not there yet; readings are numbered anew, in their order, and known by ``submit``."""
    key = "submit" if table is readings else "id"
    known = set(connection.scalars(select(table.c[key])))
    names = {column.name for column in table.columns} - ({"id"} if table is readings else set())
    missing = [{name: row[name] for name in names & row.keys()} for row in rows if row[key] not in known]
    if missing:
        connection.execute(table.insert(), missing)
    return len(missing)
