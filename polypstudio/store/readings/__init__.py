"""Readings of clinicians: designs, readers, items, showings and answers, in SQLite or a database of one's own."""

from polypstudio.store.readings.designs import (
    Design,
    Link,
    ReaderProgress,
    add_readers,
    create_design,
    list_designs,
    load_readings,
    reader_progress,
)
from polypstudio.store.readings.exchange import backup, export_readings, import_readings
from polypstudio.store.readings.session import (
    Answer,
    Place,
    ReaderSession,
    find_reader,
    issue_address,
    place,
    redeem_address,
    submit,
    undo,
)

__all__ = [
    "Answer",
    "Design",
    "Link",
    "Place",
    "ReaderProgress",
    "ReaderSession",
    "add_readers",
    "backup",
    "create_design",
    "export_readings",
    "find_reader",
    "import_readings",
    "issue_address",
    "list_designs",
    "load_readings",
    "place",
    "reader_progress",
    "redeem_address",
    "submit",
    "undo",
]
