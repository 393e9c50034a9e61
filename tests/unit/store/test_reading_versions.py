"""Designs that change, links that end, training that is told: what the database lets happen, and when."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from polypstudio.errors import UserError
from polypstudio.reading.design import ReadingDesign, Stratum, make_items
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings import Answer, ReaderSession

STRATA = (Stratum(image_set="real/test", per_class=3), Stratum(image_set="iterations/000160", per_class=3))
AVAILABLE = {(s.image_set, label): 8 for s in STRATA for label in ("ad", "non_ad")}
DESIGN = ReadingDesign(strata=STRATA, repeats=0, training=1)
OTHER = DESIGN.model_copy(update={"seed": 9, "training": 0})
PAIRS = ReadingDesign(strata=STRATA, protocol="pairs", questions=("preference", "reason", "comment"), repeats=0)


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    (tmp_path / "one").mkdir()
    return StudyPaths(tmp_path / "one")


def create(study: StudyPaths, body: ReadingDesign = DESIGN) -> str:
    return readings.create_design(study, body, make_items(body, AVAILABLE), image_size=128)


def revise(study: StudyPaths, design: str, body: ReadingDesign = OTHER) -> readings.Revision:
    return readings.revise_design(study, design, body, make_items(body, AVAILABLE), image_size=96)


def opened(study: StudyPaths, token: str) -> ReaderSession:
    found = readings.find_reader([study], token)
    assert found is not None
    return found


def answer(reader: ReaderSession, **given: int | str) -> str:
    showing = readings.place(reader).showings[0]
    readings.submit(reader, Answer(showing, f"to-{showing}", given or {"source": 5, "pathology": 2}, 2.0, 1.5, 1.1))
    return showing


def test_before_the_first_answer_a_change_replaces_the_design_and_keeps_the_links(study: StudyPaths) -> None:
    design = create(study)
    token = readings.add_readers(study, design, ["R1"])[0].token
    before = readings.place(opened(study, token))
    assert not readings.is_frozen(study, design)
    revision = revise(study, design)
    assert (revision.design, revision.version, revision.links) == (design, 1, [])
    (stored,) = readings.list_designs(study)
    assert (stored.body, stored.image_size) == (OTHER, 96)
    after = readings.place(opened(study, token))
    assert (before.total, after.total) == (16, 12)
    assert not set(before.showings) & set(after.showings)


def test_after_the_first_answer_a_change_is_a_new_version_with_new_links(study: StudyPaths) -> None:
    design = create(study)
    tokens = {link.reader: link.token for link in readings.add_readers(study, design, ["R1", "R2"], days=30)}
    reader = opened(study, tokens["R1"])
    answer(reader)  # a training item: it shows the design as well
    assert readings.is_frozen(study, design)
    revision = revise(study, design)
    assert (revision.version, [link.reader for link in revision.links]) == (2, ["R1", "R2"])
    new, old = readings.list_designs(study)
    assert (new.id, new.version, new.series, new.closed) == (revision.design, 2, design, False)
    assert (old.body, old.version, old.closed) == (DESIGN, 1, True)
    assert all(readings.find_reader([study], token) is None for token in tokens.values())
    assert readings.place(opened(study, revision.links[0].token)).position == 0
    assert readings.count_answers(study, design) == (1, 0)
    assert {own.expires is not None for own in readings.reader_progress(study, revision.design)} == {True}
    with pytest.raises(UserError, match="replaced by a later one"):
        revise(study, design)
    with pytest.raises(UserError, match="replaced by a later one"):
        readings.add_readers(study, design, ["R3"])


def test_an_answer_taken_back_keeps_the_design_frozen(study: StudyPaths) -> None:
    design = create(study, OTHER)
    reader = opened(study, readings.add_readers(study, design, ["R1"])[0].token)
    answer(reader)
    readings.undo(reader, "back")
    assert readings.load_readings(study, design) == []
    assert readings.is_frozen(study, design)


def test_training_is_told_once_it_is_answered_to_its_reader_alone_and_is_no_result(study: StudyPaths) -> None:
    design = create(study)
    links = readings.add_readers(study, design, ["R1", "R2"])
    mine, other = (opened(study, link.token) for link in links)
    first = readings.place(mine).showings[0]
    assert readings.feedback(mine, first) is None
    answer(mine)
    told = readings.feedback(mine, first)
    assert told is not None
    assert told.image in {item.image for item in readings.load_items(study, design) if item.training}
    assert readings.feedback(other, first) is None
    assert readings.undo(mine, "no").position == 1, "what was told cannot be unlearned"
    for _ in range(DESIGN.n_training):
        judged = answer(mine)
    assert readings.feedback(mine, judged) is None
    assert [reading.position for reading in readings.load_readings(study, design)] == [DESIGN.n_training]


def test_links_end_are_renewed_and_revoked(study: StudyPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    design = create(study)
    old = readings.add_readers(study, design, ["R1"], days=2)[0].token
    answer(opened(study, old))
    new = readings.renew_link(study, design, "R1").token
    assert readings.find_reader([study], old) is None
    assert readings.place(opened(study, new)).position == 1
    readings.revoke_link(study, design, "R1")
    assert readings.find_reader([study], new) is None
    assert [own.link for own in readings.reader_progress(study, design)] == ["revoked"]
    assert readings.find_reader([study], readings.renew_link(study, design, "R1", days=1).token)
    with pytest.raises(UserError, match="no reader `R9`"):
        readings.revoke_link(study, design, "R9")


def test_both_sides_of_a_pair_are_its_image_and_its_partner(study: StudyPaths) -> None:
    design = create(study, PAIRS)
    reader = opened(study, readings.add_readers(study, design, ["R1"])[0].token)
    pairs = {item.image: item.partner for item in readings.load_items(study, design)}
    right = 0
    for n in range(PAIRS.n_showings):
        showing = readings.place(reader).showings[0]
        shown = []
        for side in (0, 1):
            address = readings.issue_address(reader, showing, side)
            assert address is not None
            found = readings.redeem_address([study], address)
            assert found is not None
            shown.append(found[1])
        real = [image.image_set.startswith("real/") for image in shown].index(True)
        assert pairs[shown[1 - real]] == shown[real]
        answer(reader, preference=real + 1 if n % 3 else 2 - real, reason=n % 7, comment=f"pair {n}")
        right += n % 3 > 0
    given = readings.load_readings(study, design)
    assert sum(reading.chose_real for reading in given) == right
    assert [reading.chose_real for reading in given] == [n % 3 > 0 for n in range(PAIRS.n_showings)]


def test_a_single_image_has_one_side(study: StudyPaths) -> None:
    reader = opened(study, readings.add_readers(study, create(study), ["R1"])[0].token)
    assert readings.issue_address(reader, readings.place(reader).showings[0], side=1) is None


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_everything_of_a_reading_comes_back_from_an_export(study: StudyPaths, tmp_path: Path, kind: str) -> None:
    design = create(study, PAIRS)
    reader = opened(study, readings.add_readers(study, design, ["R1"])[0].token)
    before = tmp_path / "before.json"
    readings.export_readings(study, before)
    answer(reader, preference=2, reason=0, comment='vessels, "pits"\nand =1+1')
    file = tmp_path / f"readings.{kind}"
    readings.export_readings(study, file)
    (tmp_path / "copy").mkdir()
    copy = StudyPaths(tmp_path / "copy")
    if kind == "csv":
        readings.import_readings(copy, before)
        row = next(csv.DictReader(file.open()))
        assert (row["partner_set"], row["zoom"], row["training"]) == ("real/test", "1.5", "0")
    assert readings.import_readings(copy, file) == 1
    assert readings.load_readings(copy, design) == readings.load_readings(study, design)
    assert readings.load_items(copy, design) == readings.load_items(study, design)
