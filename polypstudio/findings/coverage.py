"""Coverage and leaks in words: what PRDC says beside its yardstick, and what trivial statistics give away."""

from __future__ import annotations

from polypstudio.findings.format import count, interval, number, percent
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    ClassCoverage,
    IterationDuplicates,
    IterationLeak,
    Pathology,
    ReferenceCoverage,
)


def coverage_sentence(reference: ReferenceCoverage, iteration: int) -> str:
    """How much of the real images an iteration covers, beside what new real images cover; empty where not evaluated."""
    found = reference.at(iteration)
    if found is None:
        return ""
    parts = [_class_words(label, found.per_class[label], reference.yardstick) for label in PATHOLOGIES]
    return f"{'; '.join(parts)}."


def _class_words(label: Pathology, own: ClassCoverage, yardstick: dict[Pathology, ClassCoverage] | None) -> str:
    beside = "" if yardstick is None else f" (new real images {percent(yardstick[label].coverage)})"
    return (
        f"Synthetic {PATHOLOGY_NAMES[label]} covers {percent(own.coverage)} of {own.n_real} real images{beside}, "
        f"with {percent(own.precision)} of its own among them"
    )


def duplicates_sentence(duplicates: IterationDuplicates) -> str:
    """How many synthetic images repeat each other."""
    if not duplicates.clusters:
        return f"No near-duplicates among {duplicates.n_synthetic}."
    return (
        f"{count(duplicates.images, 'image')} of {duplicates.n_synthetic} are near-duplicates of each other, in "
        f"{count(len(duplicates.clusters), 'cluster')}."
    )


STATISTIC_NAMES = {
    "blockiness": "a grid of 8 pixels, as a JPEG or a decoder leaves it",
    "border": "dark borders",
}


def leak_sentence(leak: IterationLeak) -> str:
    """Whether how the images were made gives them away, and whether a glance does."""
    made, image = leak.file.auc, leak.image.auc
    glance = f"mean colours, contrast and sharpness reach {number(image.value)} (CI {interval(image.ci)})"
    values = f"AUC {number(made.value)}, CI {interval(made.ci)}"
    if not leak.leaks:
        return f"No trace of codec, decoder or borders tells real from synthetic ({values}); {glance}."
    strongest = STATISTIC_NAMES.get(leak.file.strongest, leak.file.strongest)
    return (
        f"Traces of how they were made tell real from synthetic ({values}; most of all {strongest}): part of the KID may "
        f"be about these; {glance}."
    )
