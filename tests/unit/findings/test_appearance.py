"""Looks against evidence: ranks, where they part, and the paragraph for a reviewer."""

from __future__ import annotations

from evidence_factory import evidence, reference

from polypstudio.findings.appearance import appearance_against_evidence, headline, reviewer_sentence, within_kid

LATE_LOOKS = reference(
    evidence(160, 0.10, 0.40, within=(0.20, 0.22)),
    evidence(320, 0.60, 0.004, within=(0.15, 0.17)),
    evidence(480, 0.30, 0.20, within=(0.08, 0.09)),
    evidence(640, 0.35, 0.03, within=(0.07, 0.08), margins=(0.05, -0.03)),
)


def test_ranks_by_looks_and_by_alignment() -> None:
    rows = appearance_against_evidence(LATE_LOOKS)
    assert [row.looks_rank for row in rows] == [4, 3, 2, 1]
    assert [row.alignment_rank for row in rows] == [4, 1, 3, 2]


def test_equal_looks_share_a_rank() -> None:
    rows = appearance_against_evidence(reference(evidence(1), evidence(2), evidence(3, within=(0.2, 0.2))))
    assert [row.looks_rank for row in rows] == [1, 1, 3]


def test_an_undefined_alignment_ranks_last() -> None:
    rows = appearance_against_evidence(reference(evidence(1, None, 0.5), evidence(2, -0.4, 0.5)))
    assert [row.alignment_rank for row in rows] == [2, 1]


def test_looks_and_evidence_part_only_among_the_better_half_by_looks() -> None:
    rows = {row.iteration: row for row in appearance_against_evidence(LATE_LOOKS)}
    assert [iteration for iteration, row in rows.items() if row.parts] == [480, 640]
    assert rows[480].objections == ["class ignored"]
    assert rows[640].objections == ["Non-AD nearer real AD"]
    assert rows[160].objections  # it has no evidence either, but neither does it look good
    assert rows[320].objections == []


def test_within_kid_is_the_mean_of_both_classes() -> None:
    assert within_kid(evidence(within=(0.06, 0.10))) == 0.08


def test_the_reviewer_reads_what_choosing_by_looks_picks_and_what_speaks_against_it() -> None:
    assert reviewer_sentence(LATE_LOOKS) == (
        "By looks (lowest within-class KID, 0.075) one would pick iteration 640; its classes differ, the right way "
        "round (A 0.35, CI 0.09–0.60, p 0.03), but synthetic Non-AD is nearer the other real class than its own. "
        "Alignment is highest at 320 (A 0.60, CI 0.34–0.85, p 0.004); the intervals overlap, so neither is shown to be "
        "better. Non-AD's margin is negative at 1 of 4 iterations (shown at 1, by its interval)."
    )


def test_intervals_apart_are_said_to_part() -> None:
    text = reviewer_sentence(reference(evidence(1, 0.9, 0.001, within=(0.2, 0.2)), evidence(2, 0.1, 0.4)))
    assert "looks and class part here" in text
    assert "iteration 2; yet no class difference is shown" in text


def test_an_undecidable_reference_ends_the_matter() -> None:
    text = reviewer_sentence(reference(evidence(1), evidence(2), separation_p=0.3))
    assert "cannot be decided" in text
    assert "Alignment is highest" not in text


def test_no_iteration() -> None:
    assert reviewer_sentence(reference()) == "No iteration has been evaluated."


def test_headlines() -> None:
    best = appearance_against_evidence(LATE_LOOKS)[3]
    assert headline(best) == "The classes differ, the right way round, yet Non-AD is nearer real AD."
    assert headline(best.model_copy(update={"verdict": "swapped"})) == "The classes are swapped."
