"""Learning and fatigue: how right and how fast the readers are as they go on."""

from __future__ import annotations

import itertools
from statistics import median

import numpy as np

from polypstudio.reading.records import Reading
from polypstudio.records import Estimate, Record

PARTS = 4


class CoursePart(Record):
    """A stretch of every reader's sequence: ``part`` of ``parts``, by what each has answered so far."""

    part: int
    parts: int
    n: int
    right: int
    pathology_right: int
    pathology_n: int
    median_seconds: float


def course(first: list[Reading]) -> list[CoursePart]:
    """The stretches, in their order; [] where no reader has answered enough to be parted."""
    parts: list[list[Reading]] = [[] for _ in range(PARTS)]
    for own in _parted(first).values():
        for part, readings in zip(parts, own, strict=True):
            part += readings
    return [_part(i + 1, own) for i, own in enumerate(parts) if any(r.source_right is not None for r in own)]


def change(first: list[Reading]) -> Estimate | None:
    """Share of right answers in the last stretch minus the first: mean of the readers, interval by Student's t.

    None below two readers.
    """
    from scipy.special import stdtrit

    pairs = [(_right(own[0]), _right(own[-1])) for own in _parted(first).values()]
    changes = np.array([last - begun for begun, last in pairs if begun is not None and last is not None])
    if len(changes) < 2:
        return None
    half = float(stdtrit(len(changes) - 1, 0.975) * changes.std(ddof=1) / len(changes) ** 0.5)
    value = float(changes.mean())
    return Estimate(value=value, ci=(value - half, value + half))


def _parted(first: list[Reading]) -> dict[str, list[list[Reading]]]:
    """Reader -> their readings in stretches, of readers who have answered enough."""
    parted = {}
    for code in sorted({reading.reader for reading in first}):
        own = sorted((r for r in first if r.reader == code), key=lambda r: r.position)
        if len(own) >= PARTS:
            ends = [i * len(own) // PARTS for i in range(PARTS + 1)]
            parted[code] = [own[start:end] for start, end in itertools.pairwise(ends)]
    return parted


def _right(readings: list[Reading]) -> float | None:
    judged = [bool(r.source_right) for r in readings if r.source_right is not None]
    return sum(judged) / len(judged) if judged else None


def _part(number: int, readings: list[Reading]) -> CoursePart:
    judged = [bool(r.source_right) for r in readings if r.source_right is not None]
    graded = [bool(r.pathology_right) for r in readings if r.pathology_right is not None]
    return CoursePart(
        part=number,
        parts=PARTS,
        n=len(judged),
        right=sum(judged),
        pathology_right=sum(graded),
        pathology_n=len(graded),
        median_seconds=median(r.seconds for r in readings),
    )
