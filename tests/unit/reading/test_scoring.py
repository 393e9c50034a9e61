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


def pair(reader: str, index: int, preference: int, swapped: bool, repeat: bool = False) -> Reading:
    return Reading(
        reader=reader,
        image=synthetic(index),
        repeat=repeat,
        position=index,
        swapped=swapped,
        preference=preference,
        seconds=3.0,
    )


def test_of_a_pair_the_side_decides_what_was_right() -> None:
    """Left was chosen with the real one left, right with the real one right, left with the real one right."""
    readings = [pair("R1", 0, 1, True), pair("R1", 1, 2, False), pair("R1", 2, 1, False)]
    result = score(readings)
    assert [r.chose_real for r in readings] == [True, True, False]
    assert (result.strata[0].judged_real, result.strata[0].n) == (1, 3)
    assert (result.readers[0].right, result.readers[0].judged, result.readers[0].auc) == (2, 3, pytest.approx(2 / 3))
    assert result.overall
    assert result.overall.auc
    assert result.overall.auc.value == pytest.approx(2 / 3)


def test_a_pair_shown_again_with_its_sides_changed_agrees_when_the_same_image_is_chosen() -> None:
    readings = [pair("R1", 0, 1, True), pair("R1", 0, 2, False, repeat=True), pair("R1", 1, 1, True)]
    readings.append(pair("R1", 1, 1, False, repeat=True))
    result = score(readings).readers[0]
    assert (result.repeats_same, result.repeats_n) == (1, 2)


def test_images_that_all_got_wrong_are_those_that_nobody_told_right() -> None:
    readings = [reading(r, synthetic(0), 6) for r in ("R1", "R2")]  # both took it for real
    readings += [reading("R1", synthetic(1), 6), reading("R2", synthetic(1), 1)]
    readings += [reading("R1", real(2), 1), reading("R2", real(2), 0)]  # one could not judge it: one vote is not all
    readings += [reading("R1", real(3), 2), reading("R2", real(3), 3)]
    assert score(readings).all_wrong == [synthetic(0), real(3)]


def test_quarters_and_their_change_follow_each_readers_own_sequence() -> None:
    readings = []
    for reader in ("R1", "R2"):
        for n in range(8):  # wrong in the first quarter, right from then on
            image = real(n)
            readings.append(
                Reading(
                    reader=reader,
                    image=image,
                    repeat=False,
                    position=n + 3,
                    source=1 if n < 2 else 6,
                    pathology=6,
                    seconds=10.0 - n,
                )
            )
    result = score(readings)
    assert [(part.right, part.n) for part in result.course] == [(0, 4), (4, 4), (4, 4), (4, 4)]
    assert [part.median_seconds for part in result.course] == [9.5, 7.5, 5.5, 3.5]
    assert result.change
    assert result.change.value == 1.0
    assert score([r for r in readings if r.reader == "R1"]).change is None


def test_an_iteration_is_set_against_the_real_images_of_its_class() -> None:
    readings = [reading(r, real(i), 6) for r in ("R1", "R2") for i in range(4)]
    readings += [reading(r, synthetic(i), 1) for r in ("R1", "R2") for i in range(4)]
    readings += [reading(r, synthetic(i, "non_ad"), 6) for r in ("R1", "R2") for i in range(4)]
    first, ad, non_ad = score(readings).strata
    assert first.auc is None, "real images are what the others are set against"
    assert ad.auc
    assert ad.auc.value == 1.0
    assert ad.auc.ci[0] < 0.7, "four images prove little"
    assert non_ad.auc is None, "there is no real Non-AD image"


def test_quality_and_plausibility_are_mean_steps_of_those_who_could_judge() -> None:
    steps = {"R1": (2, 0), "R2": (4, 6)}
    readings = [
        reading(code, synthetic(i), 3).model_copy(update={"quality": quality, "plausibility": plausibility})
        for code, (quality, plausibility) in steps.items()
        for i in range(3)
    ]
    row = score(readings).strata[0]
    assert row.quality
    assert row.quality.value == pytest.approx(3.0)
    assert row.plausibility
    assert row.plausibility.value == pytest.approx(6.0)


def test_readers_of_known_skill_are_recovered_one_by_one_and_together() -> None:
    """Three readers of d' 0.5, 1 and 2 on the same images, six steps each."""
    from scipy.special import ndtr

    rng = np.random.default_rng(8)
    readings = []
    for code, skill in (("R1", 0.5), ("R2", 1.0), ("R3", 2.0)):
        for i in range(300):
            for image, mean in ((real(i), skill / 2), (synthetic(i), -skill / 2)):
                step = int(np.clip(np.ceil(3 + 2 * rng.normal(mean)), 1, 6))
                readings.append(reading(code, image, step))
    result = score(readings)
    for own, skill in zip(result.readers, (0.5, 1.0, 2.0), strict=True):
        assert own.d_prime == pytest.approx(skill, abs=0.3)
        assert own.auc == pytest.approx(float(ndtr(skill / 2**0.5)), abs=0.05)
    assert result.overall
    assert result.overall.d_prime
    assert result.overall.d_prime.value == pytest.approx(3.5 / 3, abs=0.15)
