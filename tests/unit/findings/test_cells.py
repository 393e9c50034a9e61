"""What a cell of the KID matrix is said to be worth: the floor decides whether, the separation how much."""

from __future__ import annotations

import pytest

from polypstudio.findings.cells import cell_claim, cell_words
from polypstudio.records import Cell, Separation


def cell(kid: float, half: float = 0.002, floor: float = 0.006) -> Cell:
    return Cell(
        synthetic="non_ad",
        real="ad",
        kid=kid,
        ci=(kid - half, kid + half),
        floor=floor,
        subset_mean=kid,
        subset_sd=0.001,
        n_real=78,
        n_synthetic=32,
    )


def separation(kid: float = 0.015, p: float = 0.002) -> Separation:
    return Separation(kid=kid, ci=(kid - 0.004, kid + 0.004), p=p)


@pytest.mark.parametrize(
    ("kid", "place"),
    [
        (-0.001, "at_floor"),
        (0.006, "at_floor"),
        (0.009, "below_separation"),
        (0.0135, "at_separation"),
        (0.0165, "at_separation"),
        (0.069, "beyond_separation"),
    ],
)
def test_where_a_cell_stands(kid: float, place: str) -> None:
    claim = cell_claim(cell(kid), separation())
    assert claim.place == place
    assert claim.share == pytest.approx(kid / 0.015)


@pytest.mark.parametrize("apart", [separation(p=0.08), separation(kid=-0.001)])
def test_without_a_separation_nothing_is_said_of_how_much(apart: Separation) -> None:
    assert cell_claim(cell(0.069), apart).place == "unmeasured"
    text = cell_words(cell(0.069), apart)
    assert "cannot be told apart here" in text
    assert "times" not in text
    assert "%" not in text
    assert "do differ" not in cell_words(cell(0.004), apart)


def test_the_words() -> None:
    assert cell_words(cell(0.069), separation()) == (
        "Synthetic Non-AD images and real AD ones differ: the KID is above the floor (0.0060), as far as two random draws "
        "from one real class come apart by chance. They are farther apart than real AD and real Non-AD (separation "
        "0.015): the KID is 4.6 times that."
    )
    assert cell_words(cell(0.009), separation()).endswith(
        "They are less far apart than real AD and real Non-AD (separation 0.015): the KID is 60 % of that."
    )
    assert "about as far apart, within the CI, as real AD and real Non-AD" in cell_words(cell(0.0135), separation())
    assert cell_words(cell(0.004), separation()) == (
        "No difference between synthetic Non-AD images and real AD ones is seen: the KID is not above the floor (0.0060), "
        "as far as two random draws from one real class come apart by chance. Real AD and real Non-AD do differ "
        "(separation 0.015)."
    )
