"""Appearance against evidence: do the iterations that look most real also carry the class?

Appearance is the within-class KID, by which the paper picks its iteration; evidence is class alignment and the margins.
Iterations of one run are a trending series and no sample: what is said across them describes, and infers nothing.
"""

from __future__ import annotations

from math import inf

from polypstudio.findings.claims import OTHER, Verdict, margin_claims, verdict
from polypstudio.findings.format import number, p_value
from polypstudio.findings.words import ALARM_NAMES, alignment_words
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    Alignment,
    IterationEvidence,
    Pathology,
    Record,
    ReferenceEvidence,
)


class Comparison(Record):
    """One iteration, by looks and by evidence. Rank 1 is best: lowest within-class KID, highest alignment."""

    iteration: int
    within: float
    looks_rank: int
    alignment: Alignment
    alignment_rank: int
    verdict: Verdict
    against_own_class: list[Pathology]  # classes whose margin is shown to be negative
    parts: bool  # among the better half by looks, yet without the evidence for it

    @property
    def objections(self) -> list[str]:
        """Why the evidence does not follow the looks; empty if it does."""
        reasons = [] if self.verdict == "aligned" else [ALARM_NAMES[self.verdict]]
        return reasons + [
            f"{PATHOLOGY_NAMES[label]} nearer real {PATHOLOGY_NAMES[OTHER[label]]}" for label in self.against_own_class
        ]


def within_kid(evidence: IterationEvidence) -> float:
    """Mean of the two within-class KIDs: the smaller, the more the images look like their own class."""
    return sum(evidence.cell(label, label).kid for label in PATHOLOGIES) / len(PATHOLOGIES)


def appearance_against_evidence(reference: ReferenceEvidence) -> list[Comparison]:
    """All iterations in their order, ranked by looks and by class alignment."""
    evidences = reference.iterations
    looks = _ranks([within_kid(evidence) for evidence in evidences])
    aligned = _ranks(
        [-evidence.alignment.value if evidence.alignment.value is not None else inf for evidence in evidences]
    )
    comparisons = []
    for evidence, looks_rank, alignment_rank in zip(evidences, looks, aligned, strict=True):
        if evidence.iteration is None:
            continue
        decided = verdict(evidence, reference.separation)
        against = [claim.pathology for claim in margin_claims(evidence) if claim.shown]
        comparisons.append(
            Comparison(
                iteration=evidence.iteration,
                within=within_kid(evidence),
                looks_rank=looks_rank,
                alignment=evidence.alignment,
                alignment_rank=alignment_rank,
                verdict=decided,
                against_own_class=against,
                parts=2 * looks_rank <= len(evidences) + 1 and (decided != "aligned" or bool(against)),
            )
        )
    return comparisons


def reviewer_sentence(reference: ReferenceEvidence) -> str:
    """The one paragraph a reviewer would want: what choosing by looks picks, and what the evidence says of it."""
    rows = appearance_against_evidence(reference)
    if not rows:
        return "No iteration has been evaluated."
    best = min(rows, key=lambda row: row.looks_rank)
    picked = f"By looks (lowest within-class KID, {number(best.within, 3)}) one would pick iteration {best.iteration}"
    if best.verdict == "undecidable":
        return (
            f"{picked}; whether its classes mean anything cannot be decided, since the real classes are not told "
            f"apart here (separation {p_value(reference.separation.p)}): use more real images or another encoder."
        )
    return " ".join([f"{picked}; {_judgement(best)}.", _ranking(rows, best), _margins(reference)]).strip()


def headline(row: Comparison) -> str:
    """The verdict on one iteration in a few words."""
    words = {
        "aligned": "The classes differ, the right way round",
        "class_ignored": "No class difference is shown",
        "swapped": "The classes are swapped",
        "undecidable": "Undecidable: the real classes are not told apart",
    }
    joint = ", yet " if row.verdict == "aligned" else ", and "
    against = [
        f"{PATHOLOGY_NAMES[label]} is nearer real {PATHOLOGY_NAMES[OTHER[label]]}" for label in row.against_own_class
    ]
    decided = row.verdict in ("aligned", "class_ignored")
    return words[row.verdict] + (joint + " and ".join(against) if against and decided else "") + "."


def _judgement(best: Comparison) -> str:
    words = {
        "aligned": "its classes differ, the right way round",
        "class_ignored": "yet no class difference is shown in its images",
        "swapped": "yet its classes are swapped",
    }
    text = f"{words[best.verdict]} ({alignment_words(best.alignment)})"
    if best.against_own_class:
        name = PATHOLOGY_NAMES[best.against_own_class[0]]
        joint = "but" if best.verdict == "aligned" else "and"
        text += f", {joint} synthetic {name} is nearer the other real class than its own"
    return text


def _ranking(rows: list[Comparison], best: Comparison) -> str:
    """Whether another iteration has the higher alignment; overlapping intervals allow no ranking."""
    top = min(rows, key=lambda row: row.alignment_rank)
    if len(rows) == 1:
        return ""
    if top.iteration == best.iteration:
        return "It also has the highest alignment of all iterations, which does not show that it is the best."
    overlap = (top.alignment.ci or (-inf, inf))[0] <= (best.alignment.ci or (-inf, inf))[1]
    ending = (
        "the intervals overlap, so neither is shown to be better."
        if overlap
        else "the intervals do not overlap: looks and class part here."
    )
    return f"Alignment is highest at {top.iteration} ({alignment_words(top.alignment)}); {ending}"


def _margins(reference: ReferenceEvidence) -> str:
    """How often each class lies nearer the other real class, where that happens at all."""
    total = len(reference.iterations)
    parts = []
    for label in PATHOLOGIES:
        negative = sum(evidence.margins[label].value < 0 for evidence in reference.iterations)
        shown = sum(evidence.margins[label].ci[1] < 0 for evidence in reference.iterations)
        if negative:
            parts.append(
                f"{PATHOLOGY_NAMES[label]}'s margin is negative at {negative} of {total} iterations "
                f"(shown at {shown}, by its interval)."
            )
    return " ".join(parts)


def _ranks(values: list[float]) -> list[int]:
    """1 for the smallest; equal values share the better rank."""
    ordered = sorted(values)
    return [ordered.index(value) + 1 for value in values]
