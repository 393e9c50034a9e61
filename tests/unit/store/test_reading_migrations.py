"""A database that an earlier version made is brought up to date when it is opened, and keeps every answer."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from polypstudio.errors import UserError
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings.migrations import LATEST, bring_up_to_date

# The tables as version 1 made them, with one reader's answer, taken back and given again.
VERSION_1 = """
CREATE TABLE designs (id VARCHAR(32) NOT NULL PRIMARY KEY, study TEXT NOT NULL, body TEXT NOT NULL,
  image_size INTEGER NOT NULL, practice BOOLEAN NOT NULL, created VARCHAR(32) NOT NULL);
CREATE INDEX ix_designs_study ON designs (study);
CREATE TABLE items (id VARCHAR(32) NOT NULL PRIMARY KEY, design VARCHAR(32) NOT NULL REFERENCES designs (id),
  image_set VARCHAR(64) NOT NULL, label VARCHAR(16) NOT NULL, "index" INTEGER NOT NULL);
CREATE INDEX ix_items_design ON items (design);
CREATE TABLE readers (id VARCHAR(32) NOT NULL PRIMARY KEY, design VARCHAR(32) NOT NULL REFERENCES designs (id),
  code VARCHAR(64) NOT NULL, token_hash VARCHAR(64) NOT NULL UNIQUE, created VARCHAR(32) NOT NULL, UNIQUE (design, code));
CREATE INDEX ix_readers_design ON readers (design);
CREATE TABLE presentations (id VARCHAR(32) NOT NULL PRIMARY KEY, reader VARCHAR(32) NOT NULL REFERENCES readers (id),
  position INTEGER NOT NULL, item VARCHAR(32) NOT NULL REFERENCES items (id), repeat BOOLEAN NOT NULL,
  UNIQUE (reader, position));
CREATE TABLE addresses (token_hash VARCHAR(64) NOT NULL PRIMARY KEY,
  presentation VARCHAR(32) NOT NULL REFERENCES presentations (id), issued VARCHAR(32) NOT NULL, used VARCHAR(32));
CREATE INDEX ix_addresses_presentation ON addresses (presentation);
CREATE TABLE readings (id INTEGER NOT NULL PRIMARY KEY,
  presentation VARCHAR(32) NOT NULL REFERENCES presentations (id), submit VARCHAR(64) NOT NULL UNIQUE,
  withdrawn BOOLEAN NOT NULL, source INTEGER, pathology INTEGER, seconds FLOAT NOT NULL, created VARCHAR(32) NOT NULL);
CREATE INDEX ix_readings_presentation ON readings (presentation);
INSERT INTO designs VALUES ('d', 'old', '{"strata":[{"image_set":"real/test","per_class":1}],"repeats":0.0,'
  || '"block_size":50,"seed":1,"questions":["source","pathology"]}', 128, 0, '2026-11-22T10:00:00.000+00:00');
INSERT INTO items VALUES ('i1', 'd', 'real/test', 'ad', 3), ('i2', 'd', 'real/test', 'non_ad', 4);
INSERT INTO readers VALUES ('r', 'd', 'R1',
  '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae', '2026-11-22T10:00:00.000+00:00');
INSERT INTO presentations VALUES ('p0', 'r', 0, 'i1', 0), ('p1', 'r', 1, 'i2', 0);
INSERT INTO readings VALUES (1, 'p0', 's1', 0, 6, 6, 2.5, 't1'), (2, 'p0', 's2', 1, NULL, NULL, 0, 't2'),
  (3, 'p0', 's3', 0, 2, 5, 3.5, 't3');
"""
TOKEN_OF_VERSION_1 = "foo"


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
