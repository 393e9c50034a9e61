"""Which iteration a selection rule picks, how often it would be picked again, and which others are as good for all we know.

Iterations are compared draw by draw: every one sees the same draws of real images and, index by index, of synthetic
ones. Rank probabilities are shares of draws. The tied set is a 95 % confidence set of the best iteration: one is left
out only if another is better than it by more than the largest of its differences would be by chance. So the truly best
iteration is left out in at most one of twenty studies, however many iterations there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from polypstudio.metrics.class_kernels import ClassMeans
from polypstudio.metrics.gram import Array
from polypstudio.metrics.uncertainty import CONFIDENCE, generator
from polypstudio.records import RankedIteration, Rule, RuleRanking

SMALLER_IS_BETTER: frozenset[Rule] = frozenset({"within_kid"})


@dataclass(frozen=True)
class Score:
    """What a rule orders one iteration by: from all images, and in each bootstrap draw (draws,)."""

    value: float
    draws: Array


Scores = Mapping[Rule, Score]


def rule_scores(point: ClassMeans, drawn: ClassMeans) -> Scores:
    """The scores of one iteration under every rule.

    ``within_kid`` is the paper's rule, the mean of both within-class KIDs: looks alone. ``alignment`` is half the sum of
    the margins, A without its unit, which all iterations share: that the classes differ as the real ones do.
    ``smaller_margin``: that no class lies nearer the other real class than its own.
    """
    return {rule: Score(float(of(point)[0]), of(drawn)) for rule, of in _RULES.items()}


def rankings(iterations: Mapping[int, Scores], seed: int) -> list[RuleRanking]:
    """Every rule's ranking of the iterations; [] without any."""
    if not iterations:
        return []
    return [rank(rule, {n: scores[rule] for n, scores in iterations.items()}, seed) for rule in _RULES]


def rank(rule: Rule, scores: Mapping[int, Score], seed: int) -> RuleRanking:
    """Rank probabilities and tied set of the iterations under one rule."""
    sign = -1.0 if rule in SMALLER_IS_BETTER else 1.0
    values = sign * np.array([score.value for score in scores.values()])
    draws = sign * np.stack([score.draws for score in scores.values()])
    draws = draws[:, np.isfinite(draws).all(axis=0)]
    probabilities = _rank_probabilities(draws, generator(seed, "ranks", rule))
    tied = _confidence_set(values, draws)
    names = list(scores)
    return RuleRanking(
        rule=rule,
        picked=names[int(values.argmax())],
        iterations=[
            RankedIteration(iteration=name, value=scores[name].value, ranks=ranks.round(4).tolist(), tied=bool(among))
            for name, ranks, among in zip(names, probabilities, tied, strict=True)
        ],
    )


def _rank_probabilities(draws: Array, rng: np.random.Generator) -> Array:
    """Share of draws in which each iteration has each rank: (iterations, draws) -> (iterations, ranks). Equals share."""
    n = len(draws)
    order = np.lexsort((rng.random(draws.shape), -draws), axis=0)
    ranks = order.argsort(axis=0)
    return np.stack([np.bincount(row, minlength=n) for row in ranks]) / draws.shape[1]


def _confidence_set(values: Array, draws: Array) -> list[bool]:
    """For each iteration, whether it may be the best: (iterations,), (iterations, draws). Larger is better."""
    return [_may_be_best(values - values[i], draws - draws[i]) for i in range(len(values))]


def _may_be_best(lead: Array, drawn: Array) -> bool:
    """Whether no other's lead (iterations,) exceeds what the largest of all leads is by chance, each in its own SD."""
    sd = drawn.std(axis=1)
    if (lead[sd == 0] > 0).any():  # better by the same amount in every draw
        return False
    varies = sd > 0
    if not varies.any():
        return True
    by_chance = ((drawn - drawn.mean(axis=1, keepdims=True))[varies] / sd[varies, None]).max(axis=0)
    return bool((lead[varies] / sd[varies]).max() <= np.quantile(by_chance, CONFIDENCE))


_RULES: dict[Rule, Callable[[ClassMeans], Array]] = {
    "within_kid": lambda means: (means.kid("ad", "ad") + means.kid("non_ad", "non_ad")) / 2.0,
    "alignment": ClassMeans.alignment_numerator,
    "smaller_margin": lambda means: np.minimum(means.margin("ad"), means.margin("non_ad")),
}
