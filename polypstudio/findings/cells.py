"""A cell of the KID matrix in words: where it stands between the floor and the separation of the real classes."""

from __future__ import annotations

import math
from typing import Literal

from polypstudio.findings.claims import SIGNIFICANCE
from polypstudio.findings.format import number, p_value, percent
from polypstudio.records import PATHOLOGY_NAMES, Cell, Record, Separation

Place = Literal["at_floor", "unmeasured", "below_separation", "at_separation", "beyond_separation"]

DISTANCES = {
    "below_separation": "They are less far apart than",
    "at_separation": "They are about as far apart, within the CI, as",
    "beyond_separation": "They are farther apart than",
}


class CellClaim(Record):
    """Where a KID stands. ``share``: of the separation, None where that cannot be told from zero."""

    place: Place
    share: float | None


def cell_claim(cell: Cell, separation: Separation) -> CellClaim:
    """The floor decides whether a difference is seen at all, the separation how large it is; at it: the CI holds it."""
    measurable = separation.p <= SIGNIFICANCE and separation.kid > 0
    share = cell.kid / separation.kid if measurable else None
    if cell.kid <= cell.floor:
        return CellClaim(place="at_floor", share=share)
    if share is None:
        return CellClaim(place="unmeasured", share=None)
    if cell.ci[0] <= separation.kid <= cell.ci[1]:
        return CellClaim(place="at_separation", share=share)
    return CellClaim(place="below_separation" if share < 1 else "beyond_separation", share=share)


def cell_words(cell: Cell, separation: Separation) -> str:
    """What a cell says, as sentences for a reader who knows what AD is and not what a KID is."""
    claim = cell_claim(cell, separation)
    images = f"synthetic {PATHOLOGY_NAMES[cell.synthetic]} images and real {PATHOLOGY_NAMES[cell.real]} ones"
    floor = f"the floor ({_kid(cell.floor)}), as far as two random draws from one real class come apart by chance"
    separate = f"separation {_kid(separation.kid)}"
    if claim.place == "at_floor":
        beside = "" if claim.share is None else f" Real AD and real Non-AD do differ ({separate})."
        return f"No difference between {images} is seen: the KID is not above {floor}.{beside}"
    seen = f"{images[0].upper()}{images[1:]} differ: the KID is above {floor}."
    if claim.share is None:
        return (
            f"{seen} Whether that is much cannot be said: real AD and real Non-AD cannot be told apart here ({separate}, "
            f"{p_value(separation.p)})."
        )
    return (
        f"{seen} {DISTANCES[claim.place]} real AD and real Non-AD ({separate}): the KID is {_times(claim.share)} that."
    )


def _kid(value: float) -> str:
    """Two significant digits: KIDs of one encoder are hundredths, of another units."""
    digits = 1 - math.floor(math.log10(abs(value))) if value else 1
    return number(value, max(0, digits))


def _times(share: float) -> str:
    """0.31: 31 % of; 4.6: 4.6 times."""
    return f"{percent(share)} of" if share < 2 else f"{number(share, 1)} times"
