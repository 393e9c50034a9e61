"""What is said of an iteration, word for word, and that nothing more is said than the numbers carry."""

from __future__ import annotations

import pytest
from evidence_factory import evidence, reference

from polypstudio.findings.words import ALARM_MEANINGS, ALARM_NAMES, iteration_sentence
from polypstudio.records import Copy, IterationCopies, IterationEvidence


def said(found: IterationEvidence, separation_p: float = 0.001, copies: IterationCopies | None = None) -> str:
    return iteration_sentence(found, reference(found, separation_p=separation_p), copies)


def copied(count: int, of: int) -> IterationCopies:
    images = [
        Copy(label="ad", index=i, nearest_label="ad", nearest_index=0, distance=0.1, is_copy=i < count)
        for i in range(of)
    ]
    return IterationCopies(iteration=480, images=images)


def test_the_sentence_of_the_design() -> None:
    found = evidence(480, 0.31, 0.02, margins=(0.05, -0.03))
    assert said(found, copies=copied(0, 64)) == (
        "At 480 the classes differ 31 % as much as the real ones do (A 0.31, CI 0.05–0.56, p 0.02); "
        "both lean to real AD. No copies among 64."
    )


def test_class_ignored() -> None:
    assert said(evidence(160, 0.08, 0.34)) == (
        "At 160 no class difference is shown: shuffled AD and Non-AD labels do as well "
        "(A 0.08, CI −0.18 to 0.33, p 0.34)."
    )


def test_swapped() -> None:
    text = said(evidence(160, -0.42, 0.004, margins=(-0.03, -0.02)))
    assert text == (
        "At 160 the classes are swapped: synthetic AD differs from Non-AD the wrong way round "
        "(A −0.42, CI −0.68 to −0.17, p 0.004)."
    )


@pytest.mark.parametrize("found", [evidence(160, 0.9, 0.001), evidence(160, None, 0.3)])
def test_undecidable_says_nothing_about_the_synthetic_classes(found: IterationEvidence) -> None:
    assert said(found, separation_p=0.21) == (
        "At 160 nothing can be said about class: real AD and Non-AD cannot be told apart here with 78 and 31 images "
        "(separation p 0.21)."
    )


def test_an_alignment_without_unit_is_undecidable_whatever_the_separation_test_says() -> None:
    assert "nothing can be said about class" in said(evidence(160, None, 0.01), separation_p=0.01)


@pytest.mark.parametrize("p", [0.051, 0.06, 0.5])
def test_a_large_alignment_without_a_small_p_is_no_difference_shown(p: float) -> None:
    assert "no class difference is shown" in said(evidence(160, 0.95, p))


def test_a_lean_within_its_interval_only_seems() -> None:
    text = said(evidence(margins=(0.03, -0.005), half=0.01))
    assert text.endswith("; both seem to lean to real AD (CI includes 0).")


def test_a_lean_to_the_other_class_is_named() -> None:
    assert said(evidence(margins=(-0.03, 0.05))).endswith("; both lean to real Non-AD.")


def test_a_shift_that_carries_no_class_across_is_called_a_shift() -> None:
    assert said(evidence(margins=(0.06, 0.02))).endswith("; both are shifted towards real AD.")


def test_nothing_is_said_of_a_shift_that_is_not_shown() -> None:
    assert said(evidence(margins=(0.03, 0.03))).endswith("p 0.02).")


def test_two_negative_margins_are_told_apart() -> None:
    text = said(evidence(160, 0.02, 0.6, margins=(-0.03, -0.03)))
    assert "synthetic AD is nearer real Non-AD than its own class (margin −0.030 (CI −0.040 to −0.020))" in text
    assert "synthetic Non-AD is nearer real AD" in text


def test_the_reconstruction_is_named_as_such() -> None:
    assert said(evidence(None)).startswith("Through the autoencoder alone the classes differ")


@pytest.mark.parametrize(("count", "words"), [(0, "No copies"), (1, "1 copy"), (3, "3 copies")])
def test_copies_are_counted(count: int, words: str) -> None:
    assert said(evidence(), copies=copied(count, 64)).endswith(f" {words} among 64.")


def test_every_alarm_has_a_name_and_a_meaning() -> None:
    assert set(ALARM_NAMES) == set(ALARM_MEANINGS)
