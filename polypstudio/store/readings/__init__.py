"""Readings of clinicians: designs, readers, items, showings and answers, in SQLite or a database of one's own."""

from polypstudio.store.readings.answers import count_answers, load_readings
from polypstudio.store.readings.designs import Design, create_design, list_designs, load_items
from polypstudio.store.readings.exchange import backup, export_readings, exported, import_readings
from polypstudio.store.readings.links import (
    Link,
    ReaderProgress,
    add_readers,
    reader_progress,
    renew_link,
    revoke_link,
)
from polypstudio.store.readings.revisions import Revision, is_frozen, revise_design
from polypstudio.store.readings.session import (
    Answer,
    Place,
    ReaderSession,
    TrainingItem,
    feedback,
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
    "Revision",
    "TrainingItem",
    "add_readers",
    "backup",
    "count_answers",
    "create_design",
    "export_readings",
    "exported",
    "feedback",
    "find_reader",
    "import_readings",
    "is_frozen",
    "issue_address",
    "list_designs",
    "load_items",
    "load_readings",
    "place",
    "reader_progress",
    "redeem_address",
    "renew_link",
    "revise_design",
    "revoke_link",
    "submit",
    "undo",
]
