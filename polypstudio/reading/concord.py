"""Whether readers agree: with each other, beyond chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from polypstudio.metrics.agreement import fleiss_kappa, krippendorff_alpha
from polypstudio.reading.records import Reading
from polypstudio.records import ImageKey, Record

AgreedOn = Literal["source", "pathology", "quality", "plausibility", "preference"]

_HALVES: dict[AgreedOn, Callable[[Reading], bool | None]] = {
    "source": lambda r: r.judged_real,
    "pathology": lambda r: r.judged_ad,
    "preference": lambda r: r.judged_real,
}


class Agreement(Record):
    """Agreement on one question. None where it cannot be told: fewer than two readers, or all answers alike.

    ``kappa``: Fleiss, on the two halves of the scale, over the ``kappa_images`` that every reader judged; ``alpha``:
    Krippendorff's, on the same halves with missing answers, ``alpha_steps`` on the six steps as ranks.
    """

    question: AgreedOn
    readers: int
    images: int
    kappa: float | None
    kappa_images: int
    alpha: float | None
    alpha_steps: float | None


def agreements(first: list[Reading]) -> list[Agreement]:
    """The agreement on every question that two readers or more were asked."""
    if len({reading.reader for reading in first}) < 2:
        return []
    asked: list[AgreedOn] = ["source", "pathology", "quality", "plausibility", "preference"]
    return [_agreement(first, q) for q in asked if any(getattr(reading, q) is not None for reading in first)]


def _agreement(first: list[Reading], question: AgreedOn) -> Agreement:
    halves = _HALVES.get(question)
    votes = _by_reader(first, halves) if halves else None
    steps = _by_reader(first, lambda r: getattr(r, question) or None)
    shown = votes if votes is not None else steps
    kappa, n = _kappa(votes) if votes is not None else (None, 0)
    return Agreement(
        question=question,
        readers=len(shown),
        images=shown.shape[1],
        kappa=kappa,
        kappa_images=n,
        alpha=_known(krippendorff_alpha(votes)) if votes is not None else None,
        alpha_steps=_known(krippendorff_alpha(steps, "ordinal")) if question != "preference" else None,
    )


def _by_reader(first: list[Reading], value: Callable[[Reading], float | bool | None]) -> np.ndarray:
    """(readers, images), NaN where there is no answer."""
    readers = {code: i for i, code in enumerate(sorted({reading.reader for reading in first}))}
    images: dict[ImageKey, int] = {}
    for reading in first:
        images.setdefault(reading.image, len(images))
    table = np.full((len(readers), len(images)), np.nan)
    for reading in first:
        answer = value(reading)
        if answer is not None:
            table[readers[reading.reader], images[reading.image]] = answer
    return table


def _kappa(votes: np.ndarray) -> tuple[float | None, int]:
    """Over the images that every reader judged; and their number."""
    complete = votes[:, ~np.isnan(votes).any(axis=0)]
    if not complete.size:
        return None, 0
    yes = complete.sum(axis=0)
    return _known(fleiss_kappa(np.stack([yes, len(votes) - yes], axis=1))), complete.shape[1]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
