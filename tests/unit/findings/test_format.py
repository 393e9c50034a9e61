"""Numbers as text."""

from __future__ import annotations

import pytest

from polypstudio.findings.format import count, interval, number, p_value, percent, signed


@pytest.mark.parametrize(("value", "text"), [(0.314, "0.31"), (-0.5, "−0.50"), (-0.001, "0.00"), (0.0, "0.00")])
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.02, "+0.02"), (-0.02, "−0.02"), (0.001, "0.00")])
def test_signed(value: float, text: str) -> None:
    assert signed(value) == text


def test_interval_never_puts_a_dash_beside_a_minus() -> None:
    assert interval((0.05, 0.56)) == "0.05–0.56"
    assert interval((-0.1, 0.26)) == "−0.10 to 0.26"
    assert interval((-0.3, -0.1)) == "−0.30 to −0.10"


@pytest.mark.parametrize(
    ("p", "text"), [(0.0005, "p < 0.001"), (0.004, "p 0.004"), (0.02, "p 0.02"), (0.341, "p 0.34"), (1.0, "p 1.00")]
)
def test_p_value(p: float, text: str) -> None:
    assert p_value(p) == text


def test_p_just_below_the_threshold_is_not_printed_as_if_it_were_not() -> None:
    assert p_value(0.049) == "p 0.049"
    assert p_value(0.051) == "p 0.051"


def test_count_and_percent() -> None:
    assert [count(n, "copy", "copies") for n in (0, 1, 2)] == ["no copies", "1 copy", "2 copies"]
    assert percent(0.314) == "31 %"
