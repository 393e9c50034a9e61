"""What the augmentation test shows, and what so few images could show at all."""

from __future__ import annotations

import pytest
from evidence_factory import around, classification
from scipy.stats import binomtest, norm

from polypstudio.findings.augmentation import (
    arm_claim,
    augmentation_sentence,
    disagreements,
    mistakes,
    most_favourable_p,
    smallest_detectable,
)
from polypstudio.records import Estimate


@pytest.mark.parametrize("n", [1, 4, 5, 6, 20])
def test_the_most_favourable_p_is_the_exact_binomial_one(n: int) -> None:
    assert most_favourable_p(n) == pytest.approx(binomtest(0, n, 0.5).pvalue)


def test_no_disagreement_shows_nothing() -> None:
    assert most_favourable_p(0) == 1.0


def test_the_smallest_difference_is_found_with_the_stated_power() -> None:
    interval = Estimate(value=0.0, ci=(-0.098, 0.098))
    error = 0.098 / norm.ppf(0.975)
    truth = smallest_detectable(interval, power=0.8)
    assert norm.sf(norm.ppf(0.975) - truth / error) == pytest.approx(0.8)


def test_disagreements_count_images_and_not_rates() -> None:
    result = classification(lost=4)
    assert disagreements(result, result.arms[1], result.arms[0]) == (0, 4)


def test_four_images_are_called_too_few() -> None:
    result = classification(lost=4)
    text = augmentation_sentence(result, result.arms[1])
    assert "no effect is shown (−0.050 in balanced accuracy, CI −0.110 to 0.010, McNemar p 0.12)" in text
    assert (
        "disagree on 4 images of 80 (0 gained, 4 lost), too few for any outcome to reach p < 0.05 (at best p 0.12)"
        in text
    )


def test_an_effect_needs_both_interval_and_test() -> None:
    clear, open_ = around(-0.10, 0.05), around(-0.10, 0.15)
    for difference, p, shown in ((clear, 0.002, True), (clear, 0.2, False), (open_, 0.002, False)):
        result = classification(lost=12, difference=difference, p=p)
        claim = arm_claim(result, result.arms[1])
        assert claim is not None
        assert claim.shown is shown
    result = classification(lost=12, difference=clear, p=0.002)
    assert "the classifier gets worse (−0.100" in augmentation_sentence(result, result.arms[1])


def test_the_real_arm_has_nothing_to_be_compared_with() -> None:
    result = classification()
    assert arm_claim(result, result.arms[0]) is None
    assert augmentation_sentence(result, result.arms[0]) == ("Real images alone: balanced accuracy 1.00 on 80 images.")


def test_mistakes_are_the_wrong_images_surest_first() -> None:
    result = classification(lost=3)
    wrong = mistakes(result, result.arms[1])
    assert [mistake.image.index for mistake in wrong] == [0, 1, 2]
    assert all(mistake.truth == "ad" and mistake.probability == pytest.approx(0.3) for mistake in wrong)
    assert mistakes(result, result.arms[0]) == []
