"""The items of reporting guidelines that a design answers."""

from __future__ import annotations

import pytest

from polypstudio.reading.design import ReadingDesign, Stratum
from polypstudio.reading.power import power
from polypstudio.reading.reporting import ReadingFacts, reporting_items, reporting_markdown

STRATA = (Stratum(image_set="real/test", per_class=20), Stratum(image_set="iterations/008000", per_class=10))
SINGLE = ReadingDesign(strata=STRATA, questions=("source", "pathology", "comment"), training=2, repeats=0.2, seed=77)
PAIRS = ReadingDesign(strata=STRATA, protocol="pairs", questions=("preference",), repeats=0)
FACTS = ReadingFacts(
    study="colon",
    definition="histology | AD: adenomas",
    phantom=False,
    version=3,
    created="2026-11-24",
    image_size=512,
    readers=4,
    complete=3,
    answers=200,
    withdrawn=7,
    power=power(4, 10, 40, 20),
)


def answer(design: ReadingDesign, guideline: str, item: str) -> str:
    """``item``: its number, or how it begins."""
    rows = [row for row in reporting_items(design, FACTS) if row.guideline == guideline]
    return next(row.answer for row in rows if row.item == item or row.asks.startswith(item))


def test_what_was_designed_stands_in_the_items_that_ask_for_it() -> None:
    assert "seed 77" in answer(SINGLE, "STARD", "9")
    assert "20 a class from real/test" in answer(SINGLE, "CLAIM", "selection of data")
    assert "512 × 512" in answer(SINGLE, "CLAIM", "annotation tool")
    assert "8 training items with feedback" in answer(SINGLE, "CLAIM", "annotation tool")
    assert "1 surely synthetic to 6 surely real" in answer(SINGLE, "STARD", "12a")
    assert "12 items come twice, unannounced, at least 30 showings apart" in answer(SINGLE, "GRRAS", "8")
    assert "4 readers, 3 complete; 200 answers count, 7 taken back" in answer(SINGLE, "GRRAS", "11")
    assert "except for training items" in answer(SINGLE, "STARD", "13a")
    assert "except" not in answer(PAIRS, "STARD", "13a")
    assert "two images side by side" in answer(PAIRS, "CLAIM", "annotation tool")


@pytest.mark.parametrize("design", [SINGLE, PAIRS])
def test_the_table_is_whole_and_claims_no_compliance(design: ReadingDesign) -> None:
    text = reporting_markdown(design, FACTS)
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(reporting_items(design, FACTS)) >= 24
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
    assert all(cell.strip() for line in rows for cell in line.replace("\\|", "").split("|")[1:5])
    assert "no claim of compliance" in text
    assert {line.split(" | ")[0].strip("| ") for line in rows} == {"CLAIM", "STARD", "GRRAS"}


def test_items_whose_numbers_differ_between_versions_are_named_by_their_words() -> None:
    rows = reporting_items(SINGLE, FACTS)
    assert {row.item for row in rows if row.guideline == "CLAIM"} == {"by name"}
    assert all(row.item.rstrip("ab").isdecimal() for row in rows if row.guideline != "CLAIM")
