"""Claims as sentences that a clinician understands and a statistician need not correct."""

from __future__ import annotations

from polypstudio.findings.claims import (
    OTHER,
    Claim,
    ClassClaim,
    CopyClaim,
    LeanClaim,
    MarginClaim,
    iteration_claims,
)
from polypstudio.findings.format import count, estimate, interval, number, p_value, percent
from polypstudio.records import (
    PATHOLOGY_NAMES,
    Alarm,
    Alignment,
    IterationCopies,
    IterationEvidence,
    ReferenceEvidence,
)

ALARM_NAMES: dict[Alarm, str] = {
    "negative_margin_ad": "AD: negative margin",
    "negative_margin_non_ad": "Non-AD: negative margin",
    "class_ignored": "class ignored",
    "swapped": "swapped",
    "undecidable": "undecidable",
}
ALARM_MEANINGS: dict[Alarm, str] = {
    "negative_margin_ad": "Synthetic AD is nearer real Non-AD than real AD.",
    "negative_margin_non_ad": "Synthetic Non-AD is nearer real AD than real Non-AD.",
    "class_ignored": "No class difference is shown among the synthetic images: shuffled labels do as well.",
    "swapped": "The synthetic classes differ in the opposite direction to the real ones.",
    "undecidable": "The real classes themselves cannot be told apart with this many images.",
}

OWN_CLASS = "than its own class"


def iteration_sentence(
    evidence: IterationEvidence, reference: ReferenceEvidence, copies: IterationCopies | None = None
) -> str:
    """What one iteration is worth, in one or two sentences: its class, where it leans, its copies."""
    claims = iteration_claims(evidence, reference, copies)
    first = next(claim for claim in claims if isinstance(claim, ClassClaim))
    place = _place_words(claims) if first.verdict in ("aligned", "class_ignored") else ""
    text = "; ".join(filter(None, (class_words(first), place)))
    copied = "".join(f" {copy_words(claim)}" for claim in claims if isinstance(claim, CopyClaim))
    return f"{text}.{copied}"


def unsaid_margins(evidence: IterationEvidence, sentence: str) -> list[Alarm]:
    """The alarms of negative margins that the iteration's sentence leaves out, for it speaks of a common lean instead."""
    said = OWN_CLASS in sentence
    return [] if said else [alarm for alarm in evidence.alarms if alarm.startswith("negative_margin")]


def where(iteration: int | None) -> str:
    """How a sentence about one iteration starts."""
    return "Through the autoencoder alone" if iteration is None else f"At {iteration}"


def alignment_words(alignment: Alignment) -> str:
    """A 0.31, CI 0.05–0.56, p 0.02."""
    value = "undefined" if alignment.value is None else number(alignment.value)
    ci = "unbounded" if alignment.ci is None else interval(alignment.ci)
    return f"A {value}, CI {ci}, {p_value(alignment.p)}"


def class_words(claim: ClassClaim) -> str:
    """The claim about class alignment as a clause."""
    start, values = where(claim.iteration), alignment_words(claim.alignment)
    if claim.verdict == "undecidable":
        n = claim.n_real
        return (
            f"{start} nothing can be said about class: real AD and Non-AD cannot be told apart here "
            f"with {n['ad']} and {n['non_ad']} images (separation {p_value(claim.separation.p)})"
        )
    if claim.verdict == "swapped":
        return f"{start} the classes are swapped: synthetic AD differs from Non-AD the wrong way round ({values})"
    if claim.verdict == "class_ignored":
        return f"{start} no class difference is shown: shuffled AD and Non-AD labels do as well ({values})"
    share = percent(claim.alignment.value or 0.0)
    return f"{start} the classes differ {share} as much as the real ones do ({values})"


def margin_words(claim: MarginClaim) -> str:
    """A negative margin as a clause; `seems` where its interval reaches 0."""
    verb = "is" if claim.shown else "seems"
    return (
        f"synthetic {PATHOLOGY_NAMES[claim.pathology]} {verb} nearer real {PATHOLOGY_NAMES[OTHER[claim.pathology]]} "
        f"{OWN_CLASS} (margin {estimate(claim.margin, 3)})"
    )


def lean_words(claim: LeanClaim) -> str:
    """The common shift as a clause."""
    name = PATHOLOGY_NAMES[claim.towards]
    if not claim.nearer:
        return f"both are shifted towards real {name}"
    return f"both lean to real {name}" if claim.shown else f"both seem to lean to real {name} (CI includes 0)"


def copy_words(claim: CopyClaim) -> str:
    """How many copies, as a sentence."""
    return f"{count(claim.copies, 'copy', 'copies').capitalize()} among {claim.n_synthetic}."


def _place_words(claims: list[Claim]) -> str:
    """Where the synthetic images lie: one clause for a common lean, otherwise one for each negative margin."""
    leans = [claim for claim in claims if isinstance(claim, LeanClaim)]
    if leans:
        return lean_words(leans[0])
    return "; ".join(margin_words(claim) for claim in claims if isinstance(claim, MarginClaim))
