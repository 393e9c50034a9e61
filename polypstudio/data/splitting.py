"""A train and test split by group, for data that come without one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from polypstudio.records import Label, Split

TEST_SHARE = 0.3


def split_by_group(members: Sequence[tuple[str, Label]], test_share: float = TEST_SHARE) -> dict[str, Split]:
    """Group -> split, from the (group, label) of every image: about ``test_share`` of the images of each class in test.

    No group is divided. Groups are stratified by the set of classes they hold and taken in the order of a hash of their
    name, so that the split depends on nothing but the names, and little on groups added later.
    """
    labels: dict[str, set[Label]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for group, label in members:
        labels[group].add(label)
        sizes[group] += 1
    strata: dict[tuple[Label, ...], list[str]] = defaultdict(list)
    for group in sorted(labels, key=_rank):
        strata[tuple(sorted(labels[group]))].append(group)

    splits: dict[str, Split] = {}
    for groups in strata.values():
        target = test_share * sum(sizes[group] for group in groups)
        taken = 0
        for group in groups:
            closer = abs(taken + sizes[group] - target) < abs(taken - target)
            splits[group] = "test" if closer else "train"
            taken += sizes[group] if closer else 0
    return splits


def _rank(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()
