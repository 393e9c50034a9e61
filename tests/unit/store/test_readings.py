"""Readings in the database: who is where, what is stored, and what never happens twice."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from polypstudio.errors import UserError
from polypstudio.reading.design import ReadingDesign, Stratum, make_items
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings import Answer, ReaderSession, database

DESIGN = ReadingDesign(
    strata=(Stratum(image_set="real/test", per_class=4), Stratum(image_set="iterations/000160", per_class=4)),
    repeats=0.25,
    block_size=5,
)
AVAILABLE = {(s.image_set, label): 8 for s in DESIGN.strata for label in ("ad", "non_ad")}


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    (tmp_path / "one").mkdir()
    return StudyPaths(tmp_path / "one")


@pytest.fixture
def design(study: StudyPaths) -> str:
    return readings.create_design(study, DESIGN, make_items(DESIGN, AVAILABLE), image_size=128)


@pytest.fixture
def reader(study: StudyPaths, design: str) -> ReaderSession:
    return join(study, design, "R1")


def join(study: StudyPaths, design: str, code: str) -> ReaderSession:
    link = readings.add_readers(study, design, [code])[0]
    found = readings.find_reader([study], link.token)
    assert found is not None
    return found


def given(showing: str, submit: str, source: int, pathology: int) -> Answer:
    return Answer(showing, submit, {"source": source, "pathology": pathology}, 3.5)


def answer(reader: ReaderSession, submit: str, source: int = 5, pathology: int = 2) -> readings.Place:
    showing = readings.place(reader).showings[0]
    return readings.submit(reader, given(showing, submit, source, pathology))


def rows(study: StudyPaths) -> list[tuple]:
    with sqlite3.connect(study.readings) as connection:
        return connection.execute("SELECT presentation, withdrawn, source FROM readings ORDER BY id").fetchall()


def test_looking_at_a_study_without_readings_makes_no_file(study: StudyPaths) -> None:
    assert readings.list_designs(study) == []
    assert readings.find_reader([study], "x") is None
    assert readings.redeem_address([study], "x") is None
    assert not study.readings.exists()


def test_a_design_comes_back_as_it_was_stored(study: StudyPaths, design: str) -> None:
    stored = readings.list_designs(study)
    assert [(d.id, d.body, d.image_size, d.practice) for d in stored] == [(design, DESIGN, 128, False)]
    assert readings.list_designs(study, practice=True) == []


def test_the_database_is_write_ahead_and_fully_synchronous(study: StudyPaths, design: str) -> None:
    with database.reading_from(study) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_no_token_is_stored(study: StudyPaths, design: str) -> None:
    token = readings.add_readers(study, design, ["R1"])[0].token
    reader = readings.find_reader([study], token)
    assert reader is not None
    address = readings.issue_address(reader, readings.place(reader).showings[0])
    assert address is not None
    with sqlite3.connect(study.readings) as connection:
        dump = "\n".join(connection.iterdump())
    assert token not in dump
    assert address not in dump


def test_a_reader_code_is_used_once(study: StudyPaths, design: str, reader: ReaderSession) -> None:
    with pytest.raises(UserError, match="`R1` is there already"):
        readings.add_readers(study, design, ["R2", "R1"])
    assert [p.reader for p in readings.reader_progress(study, design)] == ["R1"]


def test_walking_through_to_the_end(study: StudyPaths, design: str, reader: ReaderSession) -> None:
    seen = []
    for n in range(DESIGN.n_showings):
        place = readings.place(reader)
        assert place.position == n
        seen.append(place.showings[0])
        answer(reader, f"submit-{n}")
    assert len(set(seen)) == DESIGN.n_showings == 20
    assert readings.place(reader).complete
    stored = readings.load_readings(study, design)
    assert len(stored) == 20
    assert sum(r.repeat for r in stored) == 4
    assert {r.image for r in stored if r.repeat} <= {r.image for r in stored if not r.repeat}
    progress = readings.reader_progress(study, design)[0]
    assert (progress.answered, progress.total) == (20, 20)


def test_the_same_submit_counts_once(study: StudyPaths, reader: ReaderSession) -> None:
    showing = readings.place(reader).showings[0]
    first = readings.submit(reader, given(showing, "same", 6, 6))
    assert readings.submit(reader, given(showing, "same", 1, 1)) == first
    assert rows(study) == [(showing, 0, 6)]


def test_the_same_submit_from_many_threads_counts_once(study: StudyPaths, reader: ReaderSession) -> None:
    showing = readings.place(reader).showings[0]
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda _: readings.submit(reader, given(showing, "same", 6, 6)), range(24)))
    assert {place.position for place in places} == {1}
    assert len(rows(study)) == 1


def test_writers_of_one_process_never_find_the_database_locked(
    study: StudyPaths, design: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait for their turn, not for SQLite's patience: here it has none at all."""
    taking_part = [join(study, design, f"R{n}") for n in range(8)]
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 0)
    database.engine_of(study).dispose()  # what connects from now on has the patience set above

    def read(reader: ReaderSession) -> int:
        for n in range(8):
            address = readings.issue_address(reader, readings.place(reader).showings[0])
            assert address is not None
            assert readings.redeem_address([study], address) is not None
            answer(reader, f"{reader.code}-{n}")
        return readings.place(reader).position

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, taking_part)) == [8] * 8
    with database.reading_from(study) as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 0


def test_an_answer_on_another_showing_changes_nothing(study: StudyPaths, design: str, reader: ReaderSession) -> None:
    other = join(study, design, "R2")
    current, following = readings.place(reader).showings
    for showing in (following, readings.place(other).showings[0], "guess"):
        assert readings.submit(reader, given(showing, f"to-{showing}", 6, 6)).showings[0] == current
    assert rows(study) == []


def test_undo_adds_a_row_and_opens_the_showing_again(study: StudyPaths, design: str, reader: ReaderSession) -> None:
    showing = readings.place(reader).showings[0]
    answer(reader, "a", source=6)
    assert readings.undo(reader, "u").showings[0] == showing
    assert readings.undo(reader, "u").position == 0  # the same act again
    assert readings.load_readings(study, design) == []
    answer(reader, "b", source=1)
    assert rows(study) == [(showing, 0, 6), (showing, 1, None), (showing, 0, 1)]
    assert [r.source for r in readings.load_readings(study, design)] == [1]


def test_undo_stops_at_the_start_of_the_block(study: StudyPaths, reader: ReaderSession) -> None:
    assert readings.undo(reader, "at the very start").position == 0
    for n in range(5):
        answer(reader, f"submit-{n}")
    assert readings.undo(reader, "at the start of block 2").position == 5
    assert len(rows(study)) == 5


def test_an_address_works_once(study: StudyPaths, reader: ReaderSession) -> None:
    showing = readings.place(reader).showings[0]
    address = readings.issue_address(reader, showing)
    assert address is not None
    found = readings.redeem_address([study], address)
    assert found is not None
    assert found[0] == study
    assert found[2] == 128
    assert readings.redeem_address([study], address) is None
    assert readings.issue_address(reader, showing) not in (None, address)


def test_one_of_many_simultaneous_requests_gets_the_image(study: StudyPaths, reader: ReaderSession) -> None:
    address = readings.issue_address(reader, readings.place(reader).showings[0])
    assert address is not None
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: readings.redeem_address([study], address), range(16)))
    assert sum(one is not None for one in found) == 1


def test_addresses_are_for_the_current_and_the_next_showing_only(
    study: StudyPaths, design: str, reader: ReaderSession
) -> None:
    before = readings.place(reader)
    answer(reader, "a")
    assert readings.issue_address(reader, before.showings[0]) is None
    assert readings.issue_address(reader, before.showings[1]) is not None
    assert readings.issue_address(join(study, design, "R2"), before.showings[1]) is None


def test_a_repeated_item_has_a_showing_and_addresses_of_its_own(study: StudyPaths, reader: ReaderSession) -> None:
    addresses: dict[object, list[tuple[str, str]]] = {}
    for n in range(DESIGN.n_showings):
        showing = readings.place(reader).showings[0]
        address = readings.issue_address(reader, showing)
        assert address is not None
        found = readings.redeem_address([study], address)
        assert found is not None
        addresses.setdefault(found[1], []).append((showing, address))
        answer(reader, f"submit-{n}")
    twice = [shown for shown in addresses.values() if len(shown) == 2]
    assert len(twice) == DESIGN.n_repeats == 4
    assert all(a != b for first, second in twice for a, b in zip(first, second, strict=True))


def test_studies_that_share_a_database_stay_apart(
    tmp_path: Path, study: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYPSTUDIO_DATABASE_URL", f"sqlite:///{tmp_path / 'all.sqlite'}")
    other = StudyPaths(tmp_path / "two")
    design = readings.create_design(study, DESIGN, make_items(DESIGN, AVAILABLE), 128)
    reader = join(study, design, "R1")
    answer(reader, "a")
    assert readings.list_designs(other) == []
    assert not study.readings.exists()
    address = readings.issue_address(reader, readings.place(reader).showings[0])
    assert address is not None
    found = readings.redeem_address([other, study], address)
    assert found is not None
    assert found[0] == study


def test_a_database_that_cannot_be_reached_is_one_line(study: StudyPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYPSTUDIO_DATABASE_URL", "sqlite:////no/such/folder/x.sqlite")
    with pytest.raises(UserError, match="POLYPSTUDIO_DATABASE_URL"):
        readings.list_designs(study)


def test_json_carries_everything_to_another_study(
    tmp_path: Path, study: StudyPaths, design: str, reader: ReaderSession
) -> None:
    for n in range(3):
        answer(reader, f"submit-{n}")
    readings.undo(reader, "u")
    file = tmp_path / "out" / "readings.json"
    assert readings.export_readings(study, file) == 4
    (tmp_path / "copy").mkdir()
    copy = StudyPaths(tmp_path / "copy")
    assert readings.import_readings(copy, file) == 4
    assert readings.import_readings(copy, file) == 0
    assert readings.load_readings(copy, design) == readings.load_readings(study, design)
    assert readings.list_designs(copy) == readings.list_designs(study)


def test_csv_holds_one_row_a_reading_and_comes_back(
    tmp_path: Path, study: StudyPaths, design: str, reader: ReaderSession
) -> None:
    before = tmp_path / "before.json"
    readings.export_readings(study, before)
    answer(reader, "a", source=0)
    answer(reader, "b")
    file = tmp_path / "readings.csv"
    assert readings.export_readings(study, file) == 2
    assert file.read_text().splitlines()[0].startswith("design,reader,showing,position,repeat,image_set,label,index")
    (tmp_path / "copy").mkdir()
    copy = StudyPaths(tmp_path / "copy")
    with pytest.raises(UserError, match=r"readings\.csv, line 2: .*import the JSON export first"):
        readings.import_readings(copy, file)
    readings.import_readings(copy, before)
    assert readings.import_readings(copy, file) == 2
    assert readings.load_readings(copy, design) == readings.load_readings(study, design)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", "{"),
        ("x.json", "{}"),
        ("x.json", "[]"),
        ("x.csv", "a,b\n1,2\n"),
        ("x.xlsx", ""),
        ("absent.json", None),
    ],
)
def test_what_is_no_export_is_one_line_that_names_the_file(
    tmp_path: Path, study: StudyPaths, design: str, name: str, content: str | None
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=name):
        readings.import_readings(study, file)


def test_a_torn_import_leaves_nothing(tmp_path: Path, study: StudyPaths, reader: ReaderSession) -> None:
    answer(reader, "a")
    file = tmp_path / "readings.json"
    readings.export_readings(study, file)
    content = json.loads(file.read_text())
    content["readings"][0]["presentation"] = "of nobody"
    file.write_text(json.dumps(content))
    (tmp_path / "copy").mkdir()
    copy = StudyPaths(tmp_path / "copy")
    with pytest.raises(UserError, match=r"readings\.json"):
        readings.import_readings(copy, file)
    assert readings.list_designs(copy) == []


def test_a_backup_is_a_database_of_its_own(
    tmp_path: Path, study: StudyPaths, design: str, reader: ReaderSession
) -> None:
    answer(reader, "a")
    (tmp_path / "copy").mkdir()
    copy = StudyPaths(tmp_path / "copy")
    readings.backup(study, copy.readings)
    answer(reader, "b")
    with sqlite3.connect(copy.readings) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(rows(copy)) == 1
    assert len(rows(study)) == 2


def test_there_is_nothing_to_export_or_back_up_at_first(tmp_path: Path, study: StudyPaths) -> None:
    with pytest.raises(UserError, match="one has no readings"):
        readings.export_readings(study, tmp_path / "x.json")
    with pytest.raises(UserError, match="one has no readings"):
        readings.backup(study, tmp_path / "x.sqlite")
