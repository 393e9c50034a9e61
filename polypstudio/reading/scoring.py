"""What the answers amount to: rates, sensitivity and agreement, from the readings that count."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import Literal

import numpy as np

from polypstudio.metrics.agreement import auc, clopper_pearson, d_prime, fleiss_kappa
from polypstudio.records import PATHOLOGIES, Estimate, ImageKey, Pathology, Record

CANNOT_JUDGE = 0
LOWEST, HIGHEST = 1, 6  # the six steps: surely synthetic … surely real; surely Non-AD … surely AD
RESAMPLES = 2000


class Reading(Record):
    """One reader's answers on one showing: steps 1 … 6, 0 for "cannot judge", None where the question was not asked.

    ``seconds``: from the image on screen to the answer, pauses left out.
    """

    reader: str
    image: ImageKey
    repeat: bool
    position: int
    source: int | None
    pathology: int | None
    seconds: float

    @property
    def is_real(self) -> bool:
        return self.image.image_set.startswith("real/")

    @property
    def judged_real(self) -> bool | None:
        return _upper_half(self.source)

    @property
    def judged_ad(self) -> bool | None:
        return _upper_half(self.pathology)


class JudgedReal(Record):
    """How often the images of one set and class were judged real, of the ``n`` answers that judged them at all."""

    image_set: str
    label: Pathology
    judged_real: int
    n: int
    n_images: int
    estimate: Estimate
    interval: Literal["exact", "bootstrap"]


class Sensitivity(Record):
    """One reader (or all, pooled): telling real from synthetic and AD from Non-AD. None where a class is absent."""

    reader: str
    n: int
    d_prime: float | None
    auc: float | None
    pathology_right: int
    pathology_n: int
    repeats_same: int
    repeats_n: int
    cannot_judge: int
    median_seconds: float


class ReadingResults(Record):
    """All results of one design."""

    judged_real: list[JudgedReal]
    readers: list[Sensitivity]
    pooled: Sensitivity | None
    kappa_source: float | None
    kappa_source_images: int
    kappa_pathology: float | None
    kappa_pathology_images: int


def score(readings: list[Reading], seed: int = 0) -> ReadingResults:
    """The results of all readings that count (the last answer of each showing, none that was taken back).

    Rates, sensitivity and kappa rest on first showings; repeats serve the agreement of a reader with themselves.
    """
    by_reader: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_reader[reading.reader].append(reading)
    first = [reading for reading in readings if not reading.repeat]
    kappa_source, n_source = _kappa(first, "source")
    kappa_pathology, n_pathology = _kappa(first, "pathology")
    return ReadingResults(
        judged_real=_judged_real(first, np.random.default_rng(seed)),
        readers=[_sensitivity(reader, own) for reader, own in sorted(by_reader.items())],
        pooled=_sensitivity("all", readings) if readings else None,
        kappa_source=kappa_source,
        kappa_source_images=n_source,
        kappa_pathology=kappa_pathology,
        kappa_pathology_images=n_pathology,
    )


def _upper_half(step: int | None) -> bool | None:
    return None if step is None or step == CANNOT_JUDGE else step > (LOWEST + HIGHEST) / 2


def _judged_real(first: list[Reading], rng: np.random.Generator) -> list[JudgedReal]:
    strata: dict[tuple[str, Pathology], list[Reading]] = defaultdict(list)
    for reading in first:
        if reading.judged_real is not None:
            strata[reading.image.image_set, reading.image.label].append(reading)  # type: ignore[index]
    rows = []
    for (image_set, label), own in sorted(strata.items(), key=lambda stratum: _real_first(*stratum[0])):
        real = sum(bool(reading.judged_real) for reading in own)
        single = len({reading.reader for reading in own}) == 1
        rows.append(
            JudgedReal(
                image_set=image_set,
                label=label,
                judged_real=real,
                n=len(own),
                n_images=len({reading.image for reading in own}),
                estimate=Estimate(
                    value=real / len(own), ci=clopper_pearson(real, len(own)) if single else _two_way_interval(own, rng)
                ),
                interval="exact" if single else "bootstrap",
            )
        )
    return rows


def _real_first(image_set: str, label: Pathology) -> tuple[bool, str, int]:
    return not image_set.startswith("real/"), image_set, PATHOLOGIES.index(label)


def _two_way_interval(readings: list[Reading], rng: np.random.Generator) -> tuple[float, float]:
    """95 % percentile interval of the judged-real rate from resampling readers and images, each with replacement.

    Answers of one reader, and on one image, hang together; an interval for independent trials would be too narrow.
    """
    readers = sorted({reading.reader for reading in readings})
    images = sorted({reading.image for reading in readings})
    real = np.zeros((len(readers), len(images)))
    seen = np.zeros_like(real)
    for reading in readings:
        cell = readers.index(reading.reader), images.index(reading.image)
        real[cell] += bool(reading.judged_real)
        seen[cell] += 1
    reader_weight = rng.multinomial(len(readers), np.full(len(readers), 1 / len(readers)), RESAMPLES)
    image_weight = rng.multinomial(len(images), np.full(len(images), 1 / len(images)), RESAMPLES)
    total = np.einsum("br,ri,bi->b", reader_weight, seen, image_weight)
    rates = np.einsum("br,ri,bi->b", reader_weight, real, image_weight)[total > 0] / total[total > 0]
    low, high = np.quantile(rates, (0.025, 0.975))
    return float(low), float(high)


def _sensitivity(reader: str, readings: list[Reading]) -> Sensitivity:
    first = [reading for reading in readings if not reading.repeat]
    judged = [reading for reading in first if reading.judged_real is not None]
    graded = [reading for reading in first if reading.judged_ad is not None]
    real = np.array([reading.is_real for reading in judged], bool)
    called = np.array([reading.judged_real for reading in judged], bool)
    both = bool(real.any() and (~real).any())
    same, pairs = _repeat_agreement(readings)
    return Sensitivity(
        reader=reader,
        n=len(readings),
        d_prime=d_prime(int(called[real].sum()), int(real.sum()), int(called[~real].sum()), int((~real).sum()))
        if both
        else None,
        auc=auc(np.array([reading.source for reading in judged], float), real) if both else None,
        pathology_right=sum(reading.judged_ad == (reading.image.label == "ad") for reading in graded),
        pathology_n=len(graded),
        repeats_same=same,
        repeats_n=pairs,
        cannot_judge=sum(CANNOT_JUDGE in (reading.source, reading.pathology) for reading in first),
        median_seconds=median(reading.seconds for reading in readings),
    )


def _repeat_agreement(readings: list[Reading]) -> tuple[int, int]:
    """(real-or-synthetic judged the same both times, items shown and judged twice)."""
    first = {(r.reader, r.image): r.judged_real for r in readings if not r.repeat}
    pairs = [(first.get((r.reader, r.image)), r.judged_real) for r in readings if r.repeat]
    judged = [(before, after) for before, after in pairs if before is not None and after is not None]
    return sum(before == after for before, after in judged), len(judged)


def _kappa(first: list[Reading], question: Literal["source", "pathology"]) -> tuple[float | None, int]:
    """Fleiss' kappa of the two halves of the scale, over the images that every reader judged; and their number."""
    n_readers = len({reading.reader for reading in first})
    votes: dict[ImageKey, list[bool]] = defaultdict(list)
    for reading in first:
        judgement = reading.judged_real if question == "source" else reading.judged_ad
        if judgement is not None:
            votes[reading.image].append(judgement)
    complete = [own for own in votes.values() if len(own) == n_readers]
    if n_readers < 2 or not complete:
        return None, 0
    kappa = fleiss_kappa(np.array([[sum(own), n_readers - sum(own)] for own in complete]))
    return (None if np.isnan(kappa) else kappa), len(complete)
