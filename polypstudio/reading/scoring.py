"""What the answers amount to: by image set and class, by reader, and of all readers together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import median
from typing import Literal

import numpy as np

from polypstudio.metrics.agreement import auc, clopper_pearson, d_prime, d_prime_of_pairs
from polypstudio.reading.concord import Agreement, agreements
from polypstudio.reading.course import CoursePart, change, course
from polypstudio.reading.intervals import auc_statistic, crossed_estimate, d_prime_statistic, share_statistic
from polypstudio.reading.questions import CANNOT_JUDGE
from polypstudio.reading.records import Reading
from polypstudio.records import PATHOLOGIES, Estimate, ImageKey, Pathology, Record

Value = Callable[[Reading], float | bool | None]


class StratumResult(Record):
    """The images of one set and class: how often judged real, of the ``n`` answers that judged them at all, and the rest.

    ``auc`` and ``d_prime`` set a synthetic stratum against the real images of its class, as means of the readers; of
    pairs they come from choosing. None where nothing was asked, or nothing is there to compare with.
    """

    image_set: str
    label: Pathology
    n_images: int
    judged_real: int
    n: int
    estimate: Estimate
    interval: Literal["exact", "bootstrap"]
    auc: Estimate | None = None
    d_prime: Estimate | None = None
    pathology: Estimate | None = None
    pathology_n: int = 0
    quality: Estimate | None = None
    plausibility: Estimate | None = None


class ReaderResult(Record):
    """One reader: telling real from synthetic and AD from Non-AD. None where a class is absent."""

    reader: str
    n: int
    right: int
    judged: int
    right_interval: tuple[float, float] | None
    d_prime: float | None
    auc: float | None
    pathology_right: int
    pathology_n: int
    repeats_same: int
    repeats_n: int
    cannot_judge: int
    median_seconds: float


class Overall(Record):
    """All readers: the mean of their d' and AUC, and the share of right pathologies, over readers and images."""

    d_prime: Estimate | None
    auc: Estimate | None
    pathology: Estimate | None


class ReadingResults(Record):
    """All results of one design."""

    strata: list[StratumResult]
    readers: list[ReaderResult]
    overall: Overall | None
    agreement: list[Agreement]
    course: list[CoursePart]
    change: Estimate | None
    all_wrong: list[ImageKey]


def score(readings: list[Reading], seed: int = 0) -> ReadingResults:
    """The results of all readings that count (the last answer of each showing, none that was taken back).

    Everything rests on first showings; repeats serve the agreement of a reader with themselves.
    """
    first = [reading for reading in readings if not reading.repeat]
    rng = np.random.default_rng(seed)
    return ReadingResults(
        strata=_strata(first, rng),
        readers=[_reader(code, own) for code, own in sorted(_grouped(readings, lambda r: r.reader).items())],
        overall=_overall(first, rng) if first else None,
        agreement=agreements(first, rng),
        course=course(first),
        change=change(first),
        all_wrong=_all_wrong(first),
    )


def _grouped(readings: Iterable[Reading], key: Callable[[Reading], object]) -> dict:
    groups = defaultdict(list)
    for reading in readings:
        groups[key(reading)].append(reading)
    return groups


def _table(readings: list[Reading], value: Value) -> tuple[np.ndarray, list[ImageKey]]:
    """(readers, images) of a value, NaN where it is None or not there; and the images. Only images with a value."""
    known = [(reading, value(reading)) for reading in readings]
    known = [(reading, found) for reading, found in known if found is not None]
    readers = {code: i for i, code in enumerate(sorted({reading.reader for reading, _ in known}))}
    images = {image: i for i, image in enumerate(sorted({reading.image for reading, _ in known}))}
    table = np.full((len(readers), len(images)), np.nan)
    for reading, found in known:
        table[readers[reading.reader], images[reading.image]] = found
    return table, list(images)


def _share(readings: list[Reading], value: Value, rng: np.random.Generator) -> tuple[Estimate, str, int] | None:
    """Rate of a yes-or-no value, how its interval was made, and its n; exact for one reader, whose answers are apart."""
    table, images = _table(readings, value)
    n = int((~np.isnan(table)).sum())
    if n == 0:
        return None
    if len(table) == 1:
        yes = int(np.nansum(table))
        return Estimate(value=yes / n, ci=clopper_pearson(yes, n)), "exact", n
    kinds = np.array([f"{image.image_set}/{image.label}" for image in images])
    return crossed_estimate(share_statistic(table), len(table), kinds, rng), "bootstrap", n


def _mean_step(readings: list[Reading], value: Value, rng: np.random.Generator) -> Estimate | None:
    """Mean step of a scale, "cannot judge" left out."""
    table, images = _table(readings, lambda r: value(r) or None)
    if len(images) < 2:
        return None
    return crossed_estimate(share_statistic(table), len(table), np.zeros(len(images)), rng, scale="real")


def _discrimination(readings: list[Reading], rng: np.random.Generator) -> tuple[Estimate | None, Estimate | None]:
    """Mean over the readers of AUC and d', real against synthetic; None unless both kinds were judged twice or more."""
    if any(reading.is_pair for reading in readings):
        found = _share(readings, lambda r: r.chose_real, rng)
        return (found[0] if found else None), _pairs_d_prime(readings)
    steps, images = _table(readings, lambda r: r.source or None)
    real = np.array([image.image_set.startswith("real/") for image in images], bool)
    if min(real.sum(), (~real).sum()) < 2:
        return None, None
    called = np.where(np.isnan(steps), np.nan, steps > 3)
    kinds = real.astype(int)
    return (
        crossed_estimate(auc_statistic(steps, real), len(steps), kinds, rng),
        crossed_estimate(d_prime_statistic(called, real), len(steps), kinds, rng, scale="real"),
    )


def _pairs_d_prime(readings: list[Reading]) -> Estimate | None:
    """d' of choosing between two, from the share of right choices and its interval."""
    found = _share(readings, lambda r: r.chose_real, np.random.default_rng(0))
    if found is None:
        return None
    estimate, _, n = found
    return Estimate(
        value=d_prime_of_pairs(estimate.value, n), ci=tuple(d_prime_of_pairs(end, n) for end in estimate.ci)
    )


def _strata(first: list[Reading], rng: np.random.Generator) -> list[StratumResult]:
    strata = _grouped(first, lambda r: (r.image.image_set, r.image.label))
    rows = []
    for (image_set, label), own in sorted(strata.items(), key=lambda stratum: _real_first(*stratum[0])):
        rate = _share(own, lambda r: r.judged_real, rng)
        if rate is None:
            continue
        estimate, interval, n = rate
        against = [r for r in first if r.is_real and r.image.label == label] if not own[0].is_real else []
        area, sensitivity = _discrimination([*own, *against], rng) if not own[0].is_real else (None, None)
        pathology = _share(own, lambda r: r.pathology_right, rng)
        rows.append(
            StratumResult(
                image_set=image_set,
                label=label,
                n_images=len({reading.image for reading in own if reading.judged_real is not None}),
                judged_real=sum(bool(reading.judged_real) for reading in own),
                n=n,
                estimate=estimate,
                interval=interval,
                auc=area,
                d_prime=sensitivity,
                pathology=pathology[0] if pathology else None,
                pathology_n=pathology[2] if pathology else 0,
                quality=_mean_step(own, lambda r: r.quality, rng),
                plausibility=_mean_step(own, lambda r: r.plausibility, rng),
            )
        )
    return rows


def _real_first(image_set: str, label: Pathology) -> tuple[bool, str, int]:
    return not image_set.startswith("real/"), image_set, PATHOLOGIES.index(label)


def _overall(first: list[Reading], rng: np.random.Generator) -> Overall:
    area, sensitivity = _discrimination(first, rng)
    pathology = _share(first, lambda r: r.pathology_right, rng)
    return Overall(d_prime=sensitivity, auc=area, pathology=pathology[0] if pathology else None)


def _reader(code: str, readings: list[Reading]) -> ReaderResult:
    first = [reading for reading in readings if not reading.repeat]
    judged = [reading for reading in first if reading.judged_real is not None]
    graded = [reading for reading in first if reading.pathology_right is not None]
    right = sum(bool(reading.source_right) for reading in judged)
    area, sensitivity = _reader_discrimination(judged)
    same, pairs = _repeat_agreement(readings)
    return ReaderResult(
        reader=code,
        n=len(readings),
        right=right,
        judged=len(judged),
        right_interval=clopper_pearson(right, len(judged)) if judged else None,
        d_prime=sensitivity,
        auc=area,
        pathology_right=sum(bool(reading.pathology_right) for reading in graded),
        pathology_n=len(graded),
        repeats_same=same,
        repeats_n=pairs,
        cannot_judge=sum(CANNOT_JUDGE in (reading.source, reading.pathology) for reading in first),
        median_seconds=median(reading.seconds for reading in readings),
    )


def _reader_discrimination(judged: list[Reading]) -> tuple[float | None, float | None]:
    if judged and all(reading.is_pair for reading in judged):
        share = sum(reading.chose_real for reading in judged) / len(judged)
        return share, d_prime_of_pairs(share, len(judged))
    real = np.array([reading.is_real for reading in judged], bool)
    if not real.any() or real.all():
        return None, None
    called = np.array([reading.judged_real for reading in judged], bool)
    hits, false_alarms = int(called[real].sum()), int(called[~real].sum())
    steps = np.array([reading.source for reading in judged], float)
    return auc(steps, real), d_prime(hits, int(real.sum()), false_alarms, int((~real).sum()))


def _repeat_agreement(readings: list[Reading]) -> tuple[int, int]:
    """(real or synthetic judged the same both times, items shown and judged twice)."""
    first = {(r.reader, r.image): r.judged_real for r in readings if not r.repeat}
    pairs = [(first.get((r.reader, r.image)), r.judged_real) for r in readings if r.repeat]
    judged = [(before, after) for before, after in pairs if before is not None and after is not None]
    return sum(before == after for before, after in judged), len(judged)


def _all_wrong(first: list[Reading]) -> list[ImageKey]:
    """The images that two readers or more judged, all of them wrongly: real or synthetic."""
    by_image = _grouped((r for r in first if r.source_right is not None), lambda r: r.image)
    return sorted(image for image, own in by_image.items() if len(own) > 1 and not any(r.source_right for r in own))
