"""The results of a reading as the researcher sees them."""

from __future__ import annotations

import re

import numpy as np

from polypstudio.reading.records import Reading
from polypstudio.reading.scoring import ReadingResults, score
from polypstudio.records import ImageKey
from polypstudio.ui.components.reading_results import results_view

INTERVAL = re.compile(r"[−\d.]+ \([−\d.]+ to [−\d.]+\)")


def results(n_readers: int) -> ReadingResults:
    """Readers who see the same thing in an image, more or less."""
    rng = np.random.default_rng(3)
    evidence = rng.normal(0, 1.5, 40) + rng.normal(size=(n_readers, 40))
    return score(
        [
            Reading(
                reader=f"R{reader}",
                image=ImageKey("real/test" if i % 2 else "iterations/000160", "ad", i),
                repeat=False,
                position=i,
                source=int(np.clip(np.ceil(3 + evidence[reader, i]), 1, 6)),
                seconds=4.0,
            )
            for reader in range(n_readers)
            for i in range(40)
        ]
    )


def agreement_of(found: ReadingResults) -> str:
    """The card of the agreement."""
    shown = results_view([], found, "", lambda key: "")
    return shown[shown.index("Agreement between readers") : shown.index("Learning and fatigue")]


def test_agreement_has_intervals_on_the_screen_and_in_the_json() -> None:
    found = results(4)
    own = found.agreement[0]
    for value, interval in (
        (own.kappa, own.kappa_ci),
        (own.alpha, own.alpha_ci),
        (own.alpha_steps, own.alpha_steps_ci),
    ):
        assert value is not None
        assert interval is not None
        assert interval[0] < value < interval[1]
    card = agreement_of(found)
    assert len(INTERVAL.findall(card)) == 3
    assert "over readers and over images" in card
    assert ReadingResults.model_validate_json(found.model_dump_json()).agreement == found.agreement


def test_of_two_readers_the_interval_is_over_images_and_says_so() -> None:
    card = agreement_of(results(2))
    assert len(INTERVAL.findall(card)) == 3
    assert "over images alone" in card


def test_one_reader_agrees_with_nobody() -> None:
    assert "needs two readers or more" in agreement_of(results(1))
