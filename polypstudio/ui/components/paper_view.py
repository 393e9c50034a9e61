"""The paper itself as a read-only reference study: its printed tables, in the shape of the Iterations tab's view."""

from __future__ import annotations

from typing import Any

from polypstudio.findings import paper
from polypstudio.records import PATHOLOGY_NAMES
from polypstudio.ui.components.definitions import DEFINITIONS

View = dict[str, Any]


def paper_table() -> list[View]:
    """Table 2 as printed: KID by synthetic and real class, margins and their sum, an entry an iteration."""
    return [
        {
            "iteration": row.iteration,
            "cells": {
                "ad": {"ad": row.ad_ad, "non_ad": row.ad_non_ad},
                "non_ad": {"ad": row.non_ad_ad, "non_ad": row.non_ad_non_ad},
            },
            "deviations": {
                "ad": {"ad": row.deviations[0], "non_ad": row.deviations[1]},
                "non_ad": {"ad": row.deviations[3], "non_ad": row.deviations[2]},
            },
            "margins": dict(zip(("ad", "non_ad"), row.margins, strict=True)),
            "sum": row.margin_sum,
            "sentence": paper.row_words(row),
        }
        for row in paper.TABLE_2
    ]


def paper_view() -> View:
    """What the Iterations tab shows where the paper is chosen: tables only, signs only."""
    return {
        "study": paper.NAME,
        "printed": paper_table(),
        "source": paper.SOURCE,
        "words": [paper.table_2_words(), paper.table_1_words()],
        "limits": paper.LIMITS,
        "labels": PATHOLOGY_NAMES,
        "iterations": [],
        "definitions": {key: {"name": name, "text": text} for key, (name, text) in DEFINITIONS.items()},
    }
