"""What the page can send as an answer, and what it cannot."""

from __future__ import annotations

import pytest

from polypstudio.reading.questions import QUESTIONS, valid_answers
from polypstudio.store.readings.tables import readings

ASKED = ("source", "reason", "comment")


@pytest.mark.parametrize(
    "answers",
    [
        {"source": 1, "reason": 6},
        {"source": 0, "reason": 0, "comment": None},
        {"source": 6, "reason": 3, "comment": "a remark of 500 letters" + "." * 477},
    ],
)
def test_answers_that_the_keys_can_give(answers: dict) -> None:
    assert valid_answers(ASKED, answers)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"source": 1},
        {"source": 7, "reason": 1},
        {"source": -1, "reason": 1},
        {"source": "1", "reason": 1},
        {"source": None, "reason": 1},
        {"source": 1, "reason": 7},
        {"source": 1, "reason": 1, "comment": 3},
        {"source": 1, "reason": 1, "comment": "." * 501},
        {"source": 1, "reason": 1, "pathology": 1},
        {"source": 1, "reason": 1, "truth": 1},
    ],
)
def test_anything_else_is_refused(answers: dict) -> None:
    assert not valid_answers(ASKED, answers)


def test_a_pair_has_two_keys_and_no_way_out() -> None:
    accepted = [step for step in range(-1, 8) if QUESTIONS["preference"].accepts(step)]
    assert accepted == [1, 2]


def test_every_question_has_a_column() -> None:
    assert set(QUESTIONS) <= set(readings.c.keys())
