"""A database that an earlier version made is brought up to date when it is opened, and keeps every answer."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from readings_version_1 import TOKEN_OF_VERSION_1, VERSION_1
from sqlalchemy import create_engine, inspect

from polypstudio.errors import UserError
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.migrations import LATEST, bring_up_to_date


@pytest.fixture
def old(tmp_path: Path) -> StudyPaths:
    study = StudyPaths(tmp_path / "old")
    study.root.mkdir()
    with closing(sqlite3.connect(study.readings)) as connection:
        connection.executescript(VERSION_1)
    return study


def columns(file: Path) -> dict[str, dict[str, tuple[str, bool]]]:
    """Table -> column -> (type, whether it may be empty)."""
    found = inspect(create_engine(f"sqlite:///{file}"))
    return {
        table: {c["name"]: (str(c["type"]), c["nullable"]) for c in found.get_columns(table)}
        for table in found.get_table_names()
    }


def test_answers_designs_and_links_of_version_1_go_on(old: StudyPaths) -> None:
    (design,) = readings.list_designs(old)
    assert (design.id, design.version, design.series, design.closed) == ("d", 1, "d", False)
    assert [(r.image.index, r.source, r.pathology, r.seconds) for r in readings.load_readings(old, "d")] == [
        (3, 2, 5, 3.5)
    ]
    reader = readings.find_reader([old], TOKEN_OF_VERSION_1)
    assert reader is not None
    assert readings.place(reader).showings == ("p1",)
    assert readings.submit(reader, readings.Answer("p1", "s4", {"source": 1, "pathology": 1}, 1.0)).complete
    assert readings.count_answers(old, "d") == (2, 1)


def test_a_migrated_database_has_the_columns_of_a_new_one(old: StudyPaths, tmp_path: Path) -> None:
    readings.list_designs(old)
    new = tmp_path / "new.sqlite"
    bring_up_to_date(create_engine(f"sqlite:///{new}"), "now")
    assert columns(old.readings) == columns(new)


def test_opening_again_changes_nothing(old: StudyPaths) -> None:
    engine = create_engine(f"sqlite:///{old.readings}")
    for _ in range(2):
        bring_up_to_date(engine, "now")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT version FROM schema_versions").all()
    assert rows == [(LATEST,)]


def _open(folder: str) -> int:
    return len(readings.list_designs(StudyPaths(Path(folder))))


def test_processes_that_open_it_at_once_migrate_it_once(old: StudyPaths) -> None:
    with ProcessPoolExecutor(4) as pool:
        assert list(pool.map(_open, [str(old.root)] * 4)) == [1] * 4
    assert len(readings.load_readings(old, "d")) == 1


def test_a_newer_database_is_one_clear_line(old: StudyPaths) -> None:
    engine = create_engine(f"sqlite:///{old.readings}")
    bring_up_to_date(engine, "now")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO schema_versions VALUES ({LATEST + 1}, 'later')")
    with pytest.raises(UserError, match="update PolypStudio"):
        readings.list_designs(old)


def test_a_migration_that_fails_leaves_the_old_database(old: StudyPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    from polypstudio.store.readings import migrations

    monkeypatch.setitem(
        migrations.MIGRATIONS, 2, (*migrations.MIGRATIONS[2], "ALTER TABLE nowhere ADD COLUMN x INTEGER")
    )
    before = columns(old.readings)
    with pytest.raises(UserError, match="nowhere"):
        readings.list_designs(old)
    assert columns(old.readings) == before
