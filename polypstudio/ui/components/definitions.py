"""What each number of the Iterations tab is, in words for a reader who has not read the methods."""

from __future__ import annotations

from polypstudio.config import EvaluationConfig
from polypstudio.records import REFERENCE_NAMES, KidResult

DEFINITIONS: dict[str, tuple[str, str]] = {
    "kid": (
        "KID",
        "Kernel Inception Distance: how far two sets of images lie apart in the feature space of an encoder. 0 "
        "means no difference; the estimate is unbiased, so it may fall below 0.",
    ),
    "within": (
        "Within-class KID",
        "Synthetic images of a class against real images of the same class. Low is good: they look like their class.",
    ),
    "cross": (
        "Cross-class KID",
        "Synthetic images of a class against real images of the other class. It should be higher than the within-"
        "class KID.",
    ),
    "margin": (
        "Class margin",
        "Cross-class minus within-class KID. Negative (▲): the synthetic images of this class are nearer to the "
        "other real class than to their own.",
    ),
    "alignment": (
        "Class alignment A",
        "The difference between the synthetic classes, measured along the difference between the real ones. 1: "
        "they differ as the real classes do; 0: class is ignored; below 0: swapped.",
    ),
    "shift": (
        "Common shift",
        "How far both synthetic classes lean to real AD (+) or to real Non-AD (−).",
    ),
    "separation": (
        "Separation",
        "KID of real AD against real Non-AD. What the class difference is worth in this feature space; where it "
        "cannot be detected, nothing can be said about class.",
    ),
    "floor": (
        "Floor",
        "95 % of the KIDs between two random draws from one real class, of the same sizes as in the cell, lie "
        "below it. What “no difference” looks like.",
    ),
    "ci": (
        "CI",
        "95 % confidence interval from a bootstrap over groups (patients, cases or videos).",
    ),
    "p": (
        "p of alignment",
        "How often shuffled synthetic labels reach an alignment at least as large.",
    ),
    "agreement": (
        "k-NN agreement",
        "Share of the nearest real images, in the original feature space, that have the synthetic image's class. "
        "0.5 is chance. The map is a 2-D picture and no evidence; this number is. Its CI says what other synthetic "
        "images of the iteration would give, against these same real images.",
    ),
    "coverage": (
        "Coverage",
        "Share of the real images of a class that have a synthetic one of that class nearby: within the distance of "
        "their own nearest real neighbours. Low: the synthetic images leave out part of what there is. Its CI says what "
        "other patients, cases or videos would give, with these same synthetic images.",
    ),
    "loss": (
        "Held-out loss",
        "How well the model predicts the noise in images that it was not trained on. Rising while the training goes "
        "on: the model learns its images by heart. A mean over few images at fixed noise, stored without a CI.",
    ),
    "paper": (
        "The paper's Table 2",
        "The printed KIDs of Sharma (WiCV at CVPR 2024). Its images, encoder and subset size are other ones: compare "
        "signs and shapes, never heights.",
    ),
    "copies": (
        "Copies",
        "Synthetic images nearer to one training image than real images of different groups are to each other.",
    ),
    "subset": (
        "Mean ± SD over subsets",
        "As papers print KID. This SD depends on the subset size and is no standard error.",
    ),
}


def how_made(kid: KidResult, reference: str, evaluation: EvaluationConfig) -> list[str]:
    """The paragraph behind the numbers, with the settings of the stored result where it holds them."""
    settings = {"bootstrap": evaluation.bootstrap, "permutations": evaluation.permutations} | kid.settings
    n = kid.references[reference].n_real  # type: ignore[index]
    return [
        f"Features by {kid.encoder}; reference: {n['ad']} AD and {n['non_ad']} Non-AD real images "
        f"({REFERENCE_NAMES[reference]}).",
        "KID is the full-sample unbiased squared MMD under the kernel (x·y/d + 1)³, in float64.",
        f"Intervals: {settings['bootstrap']} bootstrap draws over groups, jointly over both classes. "
        f"p: {settings['permutations']} permutations of the synthetic labels.",
        f"As papers print it: mean ± SD over {kid.subsets} subsets of {kid.subset_size} images, in each cell's details.",
        *([f"Evaluated {kid.created}."] if kid.created else []),
    ]
