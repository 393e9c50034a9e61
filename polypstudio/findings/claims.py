"""What the records allow one to say: typed claims, each with its value, interval, p and n.

A p or an interval decides which claim is made. Wording is left to :mod:`polypstudio.findings.words`.
"""

from __future__ import annotations

from typing import Literal

from polypstudio.records import (
    PATHOLOGIES,
    Alignment,
    Estimate,
    IterationCopies,
    IterationEvidence,
    Pathology,
    Record,
    ReferenceEvidence,
    Separation,
)

SIGNIFICANCE = 0.05
OTHER: dict[Pathology, Pathology] = {"ad": "non_ad", "non_ad": "ad"}
Verdict = Literal["aligned", "class_ignored", "swapped", "undecidable"]


class ClassClaim(Record):
    """Whether the synthetic classes differ as the real ones do (class alignment A)."""

    iteration: int | None
    verdict: Verdict
    alignment: Alignment
    separation: Separation
    n_real: dict[Pathology, int]
    n_synthetic: dict[Pathology, int]


class MarginClaim(Record):
    """A class whose synthetic images lie nearer the other real class than their own."""

    iteration: int | None
    pathology: Pathology
    margin: Estimate
    shown: bool  # the whole interval lies below 0
    n_synthetic: int


class LeanClaim(Record):
    """Both synthetic classes are shifted towards one real class."""

    iteration: int | None
    towards: Pathology
    shift: Estimate
    nearer: bool  # the other class is even nearer to `towards` than to its own real class
    shown: bool


class CopyClaim(Record):
    """How many synthetic images are copies of a training image."""

    iteration: int | None
    copies: int
    n_synthetic: int


Claim = ClassClaim | MarginClaim | LeanClaim | CopyClaim


def iteration_claims(
    evidence: IterationEvidence, reference: ReferenceEvidence, copies: IterationCopies | None = None
) -> list[Claim]:
    """All that can be said about one iteration against one reference, the class first."""
    claims: list[Claim] = [class_claim(evidence, reference)]
    claims += margin_claims(evidence)
    if lean := lean_claim(evidence):
        claims.append(lean)
    if copies is not None:
        claims.append(copy_claim(copies))
    return claims


def class_claim(evidence: IterationEvidence, reference: ReferenceEvidence) -> ClassClaim:
    """The claim about class alignment, with the verdict that its test allows."""
    return ClassClaim(
        iteration=evidence.iteration,
        verdict=verdict(evidence, reference.separation),
        alignment=evidence.alignment,
        separation=reference.separation,
        n_real=reference.n_real,
        n_synthetic={label: evidence.cell(label, label).n_synthetic for label in PATHOLOGIES},
    )


def verdict(evidence: IterationEvidence, separation: Separation) -> Verdict:
    """Undecidable where the real classes cannot be told apart; otherwise the permutation test decides."""
    alignment = evidence.alignment
    if separation.p > SIGNIFICANCE or alignment.value is None:
        return "undecidable"
    if alignment.p > SIGNIFICANCE:
        return "class_ignored"
    return "aligned" if alignment.value > 0 else "swapped"


def margin_claims(evidence: IterationEvidence) -> list[MarginClaim]:
    """One claim for each negative margin."""
    return [
        MarginClaim(
            iteration=evidence.iteration,
            pathology=label,
            margin=evidence.margins[label],
            shown=evidence.margins[label].ci[1] < 0,
            n_synthetic=evidence.cell(label, label).n_synthetic,
        )
        for label in PATHOLOGIES
        if evidence.margins[label].value < 0
    ]


def lean_claim(evidence: IterationEvidence) -> LeanClaim | None:
    """The common shift, if its interval leaves out 0 or if it carries one class across to the other."""
    shift = evidence.shift
    towards: Pathology = "ad" if shift.value > 0 else "non_ad"
    other = OTHER[towards]
    nearer = evidence.margins[other].value < 0 <= evidence.margins[towards].value
    excludes_zero = shift.ci[0] > 0 or shift.ci[1] < 0
    if not (nearer or excludes_zero):
        return None
    return LeanClaim(
        iteration=evidence.iteration,
        towards=towards,
        shift=shift,
        nearer=nearer,
        shown=excludes_zero and (not nearer or evidence.margins[other].ci[1] < 0),
    )


def copy_claim(copies: IterationCopies) -> CopyClaim:
    """Counts the copies of one iteration."""
    return CopyClaim(
        iteration=copies.iteration,
        copies=sum(image.is_copy for image in copies.images),
        n_synthetic=len(copies.images),
    )
