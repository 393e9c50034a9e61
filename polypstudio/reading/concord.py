"""Whether readers agree: with each other, beyond chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from polypstudio.metrics.agreement import fleiss_kappa, krippendorff_alpha
from polypstudio.reading.intervals import Statistic, crossed_estimate
from polypstudio.reading.pairs import alpha_statistic, kappa_statistic
from polypstudio.reading.records import Reading
from polypstudio.records import ImageKey, Record

Interval = tuple[float, float]
AgreedOn = Literal["source", "pathology", "quality", "plausibility", "preference"]

_HALVES: dict[AgreedOn, Callable[[Reading], bool | None]] = {
    "source": lambda r: r.judged_real,
    "pathology": lambda r: r.judged_ad,
    "preference": lambda r: r.judged_real,
}


class Agreement(Record):
    """Agreement on one question. None where it cannot be told: fewer than two readers, or all answers alike.

    ``kappa``: Fleiss, on the two halves of the scale, over the ``kappa_images`` that every reader judged; ``alpha``:
    Krippendorff's, on the same halves with missing answers, ``alpha_steps`` on the six steps as ranks. The intervals
    (``_ci``, 95 %) take readers and images as drawn from many; of two readers they take the images alone.
    """

    question: AgreedOn
    readers: int
    images: int
    kappa: float | None
    kappa_images: int
    alpha: float | None
    alpha_steps: float | None
    kappa_ci: Interval | None = None
    alpha_ci: Interval | None = None
    alpha_steps_ci: Interval | None = None


def agreements(first: list[Reading], rng: np.random.Generator) -> list[Agreement]:
    """The agreement on every question that two readers or more were asked."""
    if len({reading.reader for reading in first}) < 2:
        return []
    asked: list[AgreedOn] = ["source", "pathology", "quality", "plausibility", "preference"]
    return [_agreement(first, q, rng) for q in asked if any(getattr(reading, q) is not None for reading in first)]


def _agreement(first: list[Reading], question: AgreedOn, rng: np.random.Generator) -> Agreement:
    halves = _HALVES.get(question)
    votes = _by_reader(first, halves) if halves else None
    steps = _by_reader(first, lambda r: getattr(r, question) or None)
    shown = votes if votes is not None else steps
    complete = votes[:, ~np.isnan(votes).any(axis=0)] if votes is not None else np.zeros((len(steps), 0))
    kappa = _known(_kappa(complete)) if complete.size else None
    alpha = _known(krippendorff_alpha(votes)) if votes is not None else None
    alpha_steps = _known(krippendorff_alpha(steps, "ordinal")) if question != "preference" else None
    return Agreement(
        question=question,
        readers=len(shown),
        images=shown.shape[1],
        kappa=kappa,
        kappa_images=complete.shape[1],
        alpha=alpha,
        alpha_steps=alpha_steps,
        kappa_ci=_interval(kappa, kappa_statistic(complete), complete, rng),
        alpha_ci=_interval(alpha, alpha_statistic(shown), shown, rng),
        alpha_steps_ci=_interval(alpha_steps, alpha_statistic(steps, "ordinal"), steps, rng),
    )


def _interval(
    value: float | None, statistic: Statistic, table: np.ndarray, rng: np.random.Generator
) -> Interval | None:
    """Of an agreement in a table (readers, images); None where there is none, or only one image."""
    n_readers, n_images = table.shape
    if value is None or n_images < 2:
        return None
    low, high = crossed_estimate(statistic, n_readers, np.zeros(n_images), rng, scale="real").ci
    return max(low, -1.0), min(high, 1.0)


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


def _kappa(votes: np.ndarray) -> float:
    """Of yes-or-no votes without gaps."""
    yes = votes.sum(axis=0)
    return fleiss_kappa(np.stack([yes, len(votes) - yes], axis=1))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
