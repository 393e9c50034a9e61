from __future__ import annotations

import numpy as np

from polypstudio.data.splitting import split_by_group


def members(sizes: list[int], label: str, prefix: str) -> list:
    return [(f"{prefix}{n}", label) for n, size in enumerate(sizes) for _ in range(size)]


def test_about_the_wanted_share_of_each_class_is_tested() -> None:
    rng = np.random.default_rng(0)
    data = members(rng.integers(1, 6, 80).tolist(), "ad", "a") + members(rng.integers(1, 6, 40).tolist(), "non_ad", "n")
    splits = split_by_group(data)
    for label in ("ad", "non_ad"):
        share = np.mean([splits[group] == "test" for group, own in data if own == label])
        assert abs(share - 0.3) < 0.03


def test_groups_that_hold_both_classes_are_a_stratum_of_their_own() -> None:
    both = [(f"b{n}", label) for n in range(10) for label in ("ad", "non_ad")]
    splits = split_by_group(both + members([1] * 10, "ad", "a"))
    assert sum(splits[f"b{n}"] == "test" for n in range(10)) == 3
    assert sum(splits[f"a{n}"] == "test" for n in range(10)) == 3


def test_the_split_does_not_depend_on_the_order() -> None:
    data = members([2, 3, 1, 4, 2, 2], "ad", "a") + members([1] * 9, "non_ad", "n")
    assert split_by_group(data) == split_by_group(data[::-1])


def test_two_groups_are_one_for_each_split() -> None:
    assert sorted(split_by_group(members([1, 1], "ad", "a")).values()) == ["test", "train"]
