"""Rank probabilities, agreement of encoders, coverage and leaks in words."""

from __future__ import annotations

import pytest
from evidence_factory import coverage_result, evidence, kid_result, leak, ranking_result
from scipy.stats import kendalltau

from polypstudio.findings.coverage import coverage_sentence, duplicates_sentence, leak_sentence
from polypstudio.findings.encoders import agreement_sentence, agreement_words, encoder_agreement, kendall_tau
from polypstudio.findings.ranking import listed, ranking_sentence, share
from polypstudio.records import IterationDuplicates, KidResult, RankedIteration, RuleRanking, SyntheticImage


def ranking(*rows: tuple[int, float, bool]) -> RuleRanking:
    iterations = [RankedIteration(iteration=n, value=0.0, ranks=[best, 1 - best], tied=tied) for n, best, tied in rows]
    return RuleRanking(rule="alignment", picked=max(rows, key=lambda row: row[1])[0], iterations=iterations)


def test_what_is_picked_how_often_and_what_is_tied() -> None:
    assert ranking_sentence(ranking((4000, 0.3, True), (6000, 0.29, True), (8000, 0.41, True), (1000, 0, False))) == (
        "By the highest class alignment, 8000 is picked and best in 41 % of resamples; 4000, 6000 and 8000 are tied."
    )
    assert ranking_sentence(ranking((1000, 0.01, False), (2000, 0.99, True))).endswith(
        "all others are shown to be worse."
    )
    assert ranking_sentence(ranking((1000, 0.4, True), (2000, 0.6, True))).endswith("all 2 iterations are tied.")
    assert ranking_sentence(ranking((1000, 1.0, True))).endswith("there is no other.")


def test_shares_do_not_round_to_certainty() -> None:
    assert [share(value) for value in (0, 0.001, 0.2, 0.999, 1)] == ["0 %", "< 1 %", "20 %", "> 99 %", "100 %"]
    assert listed([1]) == "1"
    assert ranking_result().references["train"][0].tied == [640]


@pytest.mark.parametrize("seed", range(5))
def test_tau_is_kendalls(seed: int) -> None:
    import numpy as np

    x, y = np.random.default_rng(seed).integers(0, 5, (2, 9)).tolist()
    assert kendall_tau(x, y) == pytest.approx(kendalltau(x, y).statistic)


def test_no_order_no_tau() -> None:
    assert kendall_tau([1, 1, 1], [1, 2, 3]) is None
    assert kendall_tau([], []) is None


def judged(encoder: str, family: str, *within: float) -> KidResult:
    """Iterations 1, 2, … with these within-class KIDs; margins fall as they rise."""
    rows = [evidence(n + 1, within=(kid, kid), margins=(1 - kid, 1 - kid)) for n, kid in enumerate(within)]
    return kid_result(*rows).model_copy(update={"encoder": encoder, "settings": {"encoder_family": family}})


def test_encoders_that_order_alike_agree_and_one_family_is_no_second_opinion() -> None:
    results = [
        judged("lite0", "lite", 0.4, 0.3, 0.2, 0.1),
        judged("lite1", "lite", 0.5, 0.4, 0.3, 0.2),
        judged("dinov2", "vit", 0.1, 0.2, 0.3, 0.4),
    ]
    pairs = encoder_agreement(results, "train", ["within_kid"])
    assert [(pair.first, pair.second, pair.tau, pair.same_family) for pair in pairs] == [
        ("lite0", "lite1", 1, True), ("lite0", "dinov2", -1, False), ("lite1", "dinov2", -1, False),
    ]  # fmt: skip
    assert agreement_words(pairs[0]) == (
        "lite0 and lite1 agree on the order of 4 iterations by the lowest within-class KID, τ 1.00 (of one family: no "
        "second opinion)"
    )
    assert "contradict each other" in agreement_sentence(pairs)
    assert "second opinion" not in agreement_words(pairs[1])


def test_only_iterations_and_references_that_both_have_are_compared() -> None:
    short = judged("inception", "inception", 0.4, 0.3)
    (pair,) = encoder_agreement([judged("lite0", "lite", 0.4, 0.3, 0.2), short], "train", ["alignment"])
    assert (pair.n, pair.tau) == (2, 1)
    assert encoder_agreement([short, short], "held_out") == []
    assert "One encoder alone" in agreement_sentence([])


def test_results_of_older_versions_know_their_family_by_the_name() -> None:
    old = [judged(name, "", 0.2, 0.1) for name in ("efficientnet-lite0", "efficientnet-lite0@128")]
    assert encoder_agreement(old, "train")[0].same_family


def test_coverage_stands_beside_what_new_real_images_cover() -> None:
    reference = coverage_result().references["train"]
    assert coverage_sentence(reference, 480) == (
        "Synthetic AD covers 40 % of 78 real images (new real images 95 %), with 90 % of its own among them; Synthetic "
        "Non-AD covers 40 % of 78 real images (new real images 95 %), with 90 % of its own among them."
    )
    assert coverage_sentence(reference, 1) == ""


def test_near_duplicates() -> None:
    cluster = [SyntheticImage("ad", 1), SyntheticImage("non_ad", 3)]
    found = IterationDuplicates(iteration=480, clusters=[cluster], n_synthetic=64)
    assert duplicates_sentence(found) == "2 images of 64 are near-duplicates of each other, in 1 cluster."
    assert duplicates_sentence(found.model_copy(update={"clusters": []})) == "No near-duplicates among 64."


def test_a_leak_is_one_only_where_its_interval_says_so() -> None:
    assert leak_sentence(leak(0.55, 0.1)).startswith("No trace of codec, decoder or borders tells real from synthetic")
    assert "a grid of 8 pixels" in leak_sentence(leak(0.8, 0.1))
