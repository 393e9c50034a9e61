"""Which iteration is best, and which others may be: rank probabilities and the confidence set of the best."""

from __future__ import annotations

import numpy as np
import pytest

from polypstudio.metrics.class_evidence import KidSettings, judge
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.ranking import Score, rank
from polypstudio.records import PATHOLOGIES, RuleRanking

QUICK = KidSettings(subset_size=10, subsets=5, draws=300, permutations=99)


def ranked(values: list[float], noise: np.ndarray, rule: str = "alignment") -> RuleRanking:
    scores = {1000 * (i + 1): Score(v, v + noise[i]) for i, v in enumerate(values)}
    return rank(rule, scores, seed=0)  # type: ignore[arg-type]


def test_shares_of_draws_by_hand() -> None:
    noise = np.array([[0, 0, 0, 0], [-2, -2, 2, 2], [-9, -9, -9, 9.0]])
    ranking = ranked([1.0, 1.5, 1.0], noise)
    assert ranking.picked == 2000
    assert [each.best for each in ranking.iterations] == [0.5, 0.25, 0.25]
    assert [each.ranks for each in ranking.iterations] == [[0.5, 0.25, 0.25], [0.25, 0.75, 0], [0.25, 0, 0.75]]
    assert sum(each.best for each in ranking.iterations) == 1


def test_the_papers_rule_takes_the_smallest() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (3, 200))
    ranking = ranked([0.3, 0.1, 0.2], noise, "within_kid")
    assert ranking.picked == 2000
    assert ranking.tied == [2000]
    assert ranking.iterations[2].ranks == [0, 1, 0]


def test_two_iterations_of_the_same_images_share_their_ranks_and_are_tied() -> None:
    noise = np.tile(np.random.default_rng(0).normal(size=1000), (2, 1))
    first, second = ranked([1.0, 1.0], noise).iterations
    assert first.tied
    assert second.tied
    assert first.best == pytest.approx(0.5, abs=0.06)


def test_a_lead_that_every_draw_repeats_decides() -> None:
    noise = np.tile(np.random.default_rng(0).normal(size=100), (2, 1))
    assert ranked([1.0, 1.1], noise).tied == [2000]


@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_the_best_iteration_is_left_out_in_one_of_twenty_studies_at_most(gap: float) -> None:
    """Eight iterations of equal merit (or one better by half an SD), whose estimates vary together as in a study."""
    truth = np.zeros(8)
    truth[3] = gap
    held, sizes, naive = [], [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        spread = rng.uniform(0.5, 1.5, 8)
        values = truth + spread * rng.normal(size=8) + rng.normal()
        draws = spread[:, None] * rng.normal(size=(8, 300)) + rng.normal(size=300)
        tied = rank(
            "alignment", {i: Score(v, v + d) for i, (v, d) in enumerate(zip(values, draws, strict=True))}, 0
        ).tied
        held.append(3 in tied)
        sizes.append(len(tied))
        naive.append(values[3] >= values.max() - 1.96 * np.hypot(spread[3], spread[values.argmax()]) * 0.5)
    assert np.mean(held) >= 0.95 - 2.6 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(naive) < 0.9  # a narrower rule does lose it: the claim is no matter of course
    assert np.mean(sizes) > 6  # nothing is decided by so little


def test_looks_and_class_pick_different_iterations() -> None:
    """At 1 the classes ignore each other and look best; at 2 they differ rightly from further away."""
    rng = np.random.default_rng(3)

    def normal(n: int, shift: float) -> FeatureSet:
        return FeatureSet(rng.normal(size=(n, 4)) + shift)

    real = ClassFeatures(normal(150, 0.4), normal(150, 0.0))
    iterations = {
        1: ClassFeatures(normal(80, 0.2), normal(80, 0.2)),
        2: ClassFeatures(normal(80, 1.6), normal(80, 1.0)),
    }
    found, by_rule = judge(real, iterations, QUICK)
    by_rule = {each.rule: each for each in by_rule}
    assert by_rule["within_kid"].picked == 1
    assert by_rule["within_kid"].tied == [1]
    assert by_rule["alignment"].picked == 2
    row = found.iterations[0]
    within = sum(row.cell(c, c).kid for c in PATHOLOGIES) / 2
    assert by_rule["within_kid"].iterations[0].value == pytest.approx(within, abs=1e-12)
    assert row.alignment.value is not None
    assert by_rule["alignment"].iterations[0].value == pytest.approx(
        row.alignment.value * found.separation.kid, abs=1e-12
    )
    smaller = min(margin.value for margin in row.margins.values())
    assert by_rule["smaller_margin"].iterations[0].value == pytest.approx(smaller, abs=1e-12)


def test_no_iterations_no_ranking() -> None:
    rng = np.random.default_rng(0)
    real = ClassFeatures(FeatureSet(rng.normal(size=(20, 3))), FeatureSet(rng.normal(size=(20, 3)) + 1))
    assert judge(real, {}, QUICK)[1] == []
