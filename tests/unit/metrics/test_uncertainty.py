"""Resampling: what is drawn together, and what is read off the draws."""

from __future__ import annotations

import numpy as np
import pytest

from polypstudio.metrics.gram import KernelBlock
from polypstudio.metrics.uncertainty import (
    block_permutations,
    floor,
    generator,
    group_weights,
    interval,
    permutation_p,
    ratio_interval,
    share_interval,
)

GROUPS = np.array([0, 0, 0, 1, 2, 2, 5])


def test_groups_are_drawn_whole() -> None:
    weights = group_weights(GROUPS, 200, generator(0, "test"))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, [0, 3, 4, 6]].sum(axis=1) == 4).all()
    assert weights.mean() == pytest.approx(1, abs=0.1)


def test_blocks_are_permuted_whole_and_keep_their_number() -> None:
    first = np.array([1, 1, 1, 0, 1, 1, 0], dtype=bool)
    labels = block_permutations(GROUPS, first, 300, generator(0, "test"))
    assert (labels[:, 0] == labels[:, 1]).all()
    assert (labels[:, 4] == labels[:, 5]).all()
    assert (labels[:, [0, 3, 4, 6]].sum(axis=1) == 2).all()
    assert len({tuple(label) for label in labels}) == 6


def test_random_numbers_depend_on_seed_and_purpose_only() -> None:
    assert generator(1, "real").integers(1 << 30) == generator(1, "real").integers(1 << 30)
    assert generator(1, "real").integers(1 << 30) != generator(1, "floor").integers(1 << 30)
    assert generator(1, "real").integers(1 << 30) != generator(2, "real").integers(1 << 30)


def test_weighted_means_leave_out_pairs_of_one_group_and_renormalise() -> None:
    x = np.random.default_rng(0).normal(size=(7, 3))
    weights = group_weights(GROUPS, 20, generator(0, "test"))
    means = KernelBlock.of_one(x).without_equal(GROUPS, GROUPS).mean(weights, weights)
    for draw, mean in zip(weights, means, strict=True):
        pairs = [(i, j) for i in range(7) for j in range(7) if GROUPS[i] != GROUPS[j]]
        weight = sum(draw[i] * draw[j] for i, j in pairs)
        total = sum(draw[i] * draw[j] * (x[i] @ x[j] / 3 + 1) ** 3 for i, j in pairs)
        assert mean == pytest.approx(total / weight, rel=1e-12)


def test_a_draw_without_a_pair_is_undefined_and_left_out() -> None:
    block = KernelBlock.within(np.eye(2))
    means = block.mean(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[2.0, 0.0], [1.0, 1.0]]))
    assert np.isnan(means[0])
    assert interval(means) == (means[1], means[1])


def test_interval_is_the_middle_95_percent() -> None:
    assert interval(np.arange(1001.0)) == pytest.approx((25, 975))


def test_ratio_interval() -> None:
    numerator = np.arange(1001.0)
    assert ratio_interval(numerator, np.full(1001, 2.0)) == pytest.approx((12.5, 487.5), abs=0.5)
    often_negative = np.where(np.arange(1001) % 20 == 0, -1.0, 2.0)
    assert ratio_interval(numerator, often_negative) is None


def test_permutation_p_counts_the_observed_value() -> None:
    assert permutation_p(5.0, np.arange(4.0)) == 1 / 5
    assert permutation_p(1.0, np.arange(4.0)) == 4 / 5
    assert permutation_p(0.1 + 0.2, np.array([0.3])) == 1.0


def test_floor_shrinks_with_the_number_of_images() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 6))
    codes = np.arange(120)
    block = KernelBlock.within(x)
    small, large = (floor(block, codes, n, 500, generator(0, "floor")) for n in (20, 500))
    assert 0 < large < small


def test_the_interval_of_a_share_covers_it_when_groups_answer_alike() -> None:
    """300 simulated sets of 40 groups of three, each of which answers alike with chance 0.7."""
    random, groups = np.random.default_rng(0), np.repeat(np.arange(40), 3)
    intervals = [
        share_interval(np.repeat(random.random(40) < 0.7, 3), groups, 400, generator(i, "test")) for i in range(300)
    ]
    assert 0.9 < np.mean([low <= 0.7 <= high for low, high in intervals]) <= 1
    alone = share_interval(np.repeat(random.random(40) < 0.7, 3), np.arange(120), 400, generator(0, "test"))
    assert alone[1] - alone[0] < 0.75 * np.mean([high - low for low, high in intervals])


def test_a_share_of_all_or_none_is_not_certain() -> None:
    """Clopper and Pearson for 10 of 10 and 0 of 10 independent trials."""
    groups = np.repeat(np.arange(10), 2)
    assert share_interval(np.ones(20, bool), groups, 100, generator(0, "test")) == pytest.approx((0.6915, 1), abs=1e-4)
    assert share_interval(np.zeros(20, bool), groups, 100, generator(0, "test")) == pytest.approx((0, 0.3085), abs=1e-4)
