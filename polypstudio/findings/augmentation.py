"""What the augmentation test shows, and the smallest difference that it could have shown."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from polypstudio.findings.claims import SIGNIFICANCE
from polypstudio.findings.format import count, interval, number, p_value, signed
from polypstudio.records import Arm, ClassificationResult, Estimate, ImageKey, Pathology, Record

POWER = 0.8


class ArmClaim(Record):
    """An arm with synthetic images against the arm of real images alone, on the same judged images."""

    arm: str
    iteration: int | None
    difference: Estimate  # of balanced accuracy
    p: float | None
    shown: bool
    disagreements: tuple[int, int]  # images that only this arm, only the real arm gets right
    smallest_difference: float
    n: int


class Mistake(Record):
    """A judged real image that an arm gets wrong when its seeds are averaged."""

    image: ImageKey
    truth: Pathology
    probability: float  # P(AD), mean over seeds


def real_arm(result: ClassificationResult) -> Arm | None:
    """The arm of real images alone."""
    return next((arm for arm in result.arms if arm.iteration is None), None)


def mean_probabilities(arm: Arm) -> np.ndarray:
    """P(AD) of each judged image, mean over the arm's seeds: (n,)."""
    return np.mean([run.probabilities for run in arm.runs], axis=0)


def mistakes(result: ClassificationResult, arm: Arm) -> list[Mistake]:
    """The images that the arm gets wrong, the surest mistakes first."""
    wrong = [
        Mistake(image=image, truth=truth, probability=float(probability))
        for image, truth, probability in zip(result.images, result.truth, mean_probabilities(arm), strict=True)
        if (probability >= 0.5) != (truth == "ad")
    ]
    return sorted(wrong, key=lambda mistake: -abs(mistake.probability - 0.5))


def disagreements(result: ClassificationResult, arm: Arm, real: Arm) -> tuple[int, int]:
    """How many images only ``arm``, and only ``real``, gets right: what McNemar's test counts."""
    truth = np.array([label == "ad" for label in result.truth])
    arm_right = (mean_probabilities(arm) >= 0.5) == truth
    real_right = (mean_probabilities(real) >= 0.5) == truth
    return int((arm_right & ~real_right).sum()), int((real_right & ~arm_right).sum())


def smallest_detectable(difference: Estimate, power: float = POWER) -> float:
    """The true difference that a two-sided 5 % test finds with that power, from the width of the 95 % interval."""
    quantile = NormalDist().inv_cdf
    standard_error = (difference.ci[1] - difference.ci[0]) / (2 * quantile(1 - SIGNIFICANCE / 2))
    return (quantile(1 - SIGNIFICANCE / 2) + quantile(power)) * standard_error


def most_favourable_p(disagreeing: int) -> float:
    """Exact McNemar p if all disagreeing images spoke for one side: four images give 0.125."""
    return min(1.0, 2.0 * 0.5**disagreeing)


def arm_claim(result: ClassificationResult, arm: Arm) -> ArmClaim | None:
    """The claim about one arm; None for the real arm itself or where it was not compared."""
    real = real_arm(result)
    if real is None or arm.iteration is None or arm.difference is None:
        return None
    low, high = arm.difference.ci
    return ArmClaim(
        arm=arm.name,
        iteration=arm.iteration,
        difference=arm.difference,
        p=arm.p,
        shown=(low > 0 or high < 0) and (arm.p is None or arm.p < SIGNIFICANCE),
        disagreements=disagreements(result, arm, real),
        smallest_difference=smallest_detectable(arm.difference),
        n=len(result.truth),
    )


def augmentation_sentence(result: ClassificationResult, arm: Arm) -> str:
    """What adding the synthetic images of one iteration did to the classifier, and what this test could show."""
    claim = arm_claim(result, arm)
    if claim is None:
        value = number(arm.balanced_accuracy.value)
        return f"Real images alone: balanced accuracy {value} on {len(result.truth)} images."
    values = ", ".join(
        [f"CI {interval(claim.difference.ci, 3)}", *([] if claim.p is None else [f"McNemar {p_value(claim.p)}"])]
    )
    change = f"{signed(claim.difference.value, 3)} in balanced accuracy, {values}"
    if not claim.shown:
        effect = f"no effect is shown ({change})"
    else:
        effect = f"the classifier gets {'better' if claim.difference.value > 0 else 'worse'} ({change})"
    gained, lost = claim.disagreements
    return (
        f"With synthetic images of {claim.iteration} added, {effect}. The two classifiers disagree on "
        f"{count(gained + lost, 'image')} of {claim.n} ({gained} gained, {lost} lost){_limit(gained + lost)}; "
        f"the smallest difference this test set could show is about {number(claim.smallest_difference)}."
    )


def _limit(disagreeing: int) -> str:
    """Where so few images disagree that no outcome could be significant, that is said."""
    best = most_favourable_p(disagreeing)
    return f", too few for any outcome to reach p < 0.05 (at best {p_value(best)})" if best >= SIGNIFICANCE else ""
