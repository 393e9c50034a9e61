"""What answers amount to, with readers of known skill."""

from __future__ import annotations

import numpy as np
import pytest

from polypstudio.reading.records import Reading
from polypstudio.reading.scoring import score
from polypstudio.records import ImageKey


def reading(
    reader: str, image: ImageKey, source: int | None, pathology: int | None = 6, repeat: bool = False
) -> Reading:
    return Reading(
        reader=reader, image=image, repeat=repeat, position=0, source=source, pathology=pathology, seconds=4.0
    )


def real(index: int, label: str = "ad") -> ImageKey:
    return ImageKey("real/test", label, index)


def synthetic(index: int, label: str = "ad") -> ImageKey:
    return ImageKey("iterations/000160", label, index)


def test_steps_four_to_six_are_judged_real() -> None:
    readings = [reading("R1", synthetic(i), step) for i, step in enumerate((1, 2, 3, 4, 5, 6, 0))]
    row = score(readings).strata[0]
    assert (row.judged_real, row.n, row.interval) == (3, 6, "exact")
    assert row.estimate.ci == pytest.approx((0.1181, 0.8819), abs=1e-4)


def test_cannot_judge_counts_as_neither() -> None:
    result = score([reading("R1", real(0), 0, 0), reading("R1", real(1), 6, 6)]).readers[0]
    assert (result.n, result.cannot_judge, result.pathology_right, result.pathology_n) == (2, 1, 1, 1)
    assert result.d_prime is None
    assert result.auc is None


def test_a_question_that_was_not_asked_is_left_out() -> None:
    result = score([reading("R1", real(0), 6, None), reading("R1", synthetic(0), 1, None)])
    assert result.readers[0].pathology_n == 0
    assert result.readers[0].cannot_judge == 0
    assert result.readers[0].auc == 1.0


def test_repeats_serve_agreement_only() -> None:
    readings = [
        reading("R1", real(0), 6),
        reading("R1", real(1), 6),
        reading("R1", real(0), 5, repeat=True),
        reading("R1", real(1), 2, repeat=True),
    ]
    result = score(readings)
    assert result.strata[0].n == 2
    assert (result.readers[0].repeats_same, result.readers[0].repeats_n) == (1, 2)


def test_pathology_is_right_where_the_half_of_the_scale_is_the_label() -> None:
    readings = [
        reading("R1", real(0, "ad"), 6, 4),
        reading("R1", real(0, "non_ad"), 6, 3),
        reading("R1", real(1), 6, 1),
    ]
    result = score(readings).readers[0]
    assert (result.pathology_right, result.pathology_n) == (2, 3)


def test_kappa_rests_on_images_that_every_reader_judged() -> None:
    readings = [reading(r, real(i), 6 if i % 2 else 1) for r in ("R1", "R2") for i in range(10)]
    readings.append(reading("R1", real(10), 1))
    source, pathology = score(readings).agreement
    assert (source.kappa, source.kappa_images) == (pytest.approx(1.0), 10)
    assert pathology.kappa is None  # all answers are the same: chance explains them
    assert score([r for r in readings if r.reader == "R1"]).agreement == []


def test_nothing_answered() -> None:
    result = score([])
    assert result.overall is None
    assert result.strata == result.readers == result.course == result.all_wrong == []


def test_a_reader_of_known_sensitivity_is_recovered() -> None:
    """Signal detection: evidence N(d', 1) for real and N(0, 1) for synthetic images, a neutral criterion."""
    rng = np.random.default_rng(3)
    readings = []
    for i in range(2000):
        for image, mean in ((real(i), 1.5), (synthetic(i), 0.0)):
            evidence = rng.normal(mean) - 0.75
            readings.append(reading("R1", image, int(np.clip(np.ceil(3 + 1.5 * evidence), 1, 6))))
    assert score(readings).readers[0].d_prime == pytest.approx(1.5, abs=0.1)


def test_the_interval_over_readers_and_images_covers_where_readers_differ() -> None:
    """Readers of different leniency: an interval for independent answers is too narrow, this one is not by much."""
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(60):
        leniency, appeal = rng.normal(0, 0.8, 8), rng.normal(0, 0.8, 15)
        readings = [
            reading(f"R{r}", synthetic(i), 6 if rng.normal() < leniency[r] + appeal[i] else 1)
            for r in range(8)
            for i in range(15)
        ]
        row = score(readings).strata[0]
        assert row.interval == "bootstrap"
        covered.append(row.estimate.ci[0] <= 0.5 <= row.estimate.ci[1])
    assert np.mean(covered) >= 0.85
