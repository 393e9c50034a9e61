"""Evidence as records: what it holds, what it depends on, when it raises an alarm."""

from __future__ import annotations

import time

import numpy as np
import pytest

from polypstudio.errors import UserError
from polypstudio.metrics.class_evidence import KidSettings, alarms, evidence, reference_warnings
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.kid import kid
from polypstudio.records import PATHOLOGIES, Alignment, Estimate, Separation

QUICK = KidSettings(subset_size=10, subsets=20, draws=200, permutations=199)


def two_classes(n_ad: int, n_non_ad: int, seed: int, groups: bool = False, gap: float = 1.0) -> ClassFeatures:
    rng = np.random.default_rng(seed)
    ad, non_ad = rng.normal(size=(n_ad, 6)) + gap, rng.normal(size=(n_non_ad, 6))
    names = [f"case {i // 2}" for i in range(max(n_ad, n_non_ad))] if groups else None
    return ClassFeatures(
        FeatureSet(ad, names[:n_ad] if names else None), FeatureSet(non_ad, names[:n_non_ad] if names else None)
    )


REAL = two_classes(60, 40, seed=0, groups=True)
SYNTHETIC = {1000: two_classes(30, 30, seed=1), 2000: two_classes(24, 20, seed=2)}


def test_values_are_the_full_sample_kid() -> None:
    result = evidence(REAL, SYNTHETIC, QUICK)
    assert result.separation.kid == pytest.approx(kid(REAL.ad.features, REAL.non_ad.features), abs=1e-12)
    assert result.n_real == {"ad": 60, "non_ad": 40}
    for iteration, synthetic in SYNTHETIC.items():
        found = result.at(iteration)
        assert found is not None
        for s in PATHOLOGIES:
            for r in PATHOLOGIES:
                cell = found.cell(s, r)
                assert cell.kid == pytest.approx(kid(REAL[r].features, synthetic[s].features), abs=1e-12)
                assert (cell.n_real, cell.n_synthetic) == (len(REAL[r]), len(synthetic[s]))
                assert cell.ci[0] < cell.ci[1]
                assert abs(cell.subset_mean - cell.kid) < 4 * cell.subset_sd / np.sqrt(20) + 0.02
        margin = found.cell("ad", "non_ad").kid - found.cell("ad", "ad").kid
        assert found.margins["ad"].value == pytest.approx(margin, abs=1e-12)
        both = found.margins["ad"].value, found.margins["non_ad"].value
        assert found.shift.value == pytest.approx((both[0] - both[1]) / 2, abs=1e-12)
        assert found.alignment.value == pytest.approx(sum(both) / (2 * result.separation.kid), abs=1e-10)


def test_an_iteration_does_not_depend_on_the_others() -> None:
    together = evidence(REAL, SYNTHETIC, QUICK)
    alone = evidence(REAL, {2000: SYNTHETIC[2000]}, QUICK)
    assert alone.iterations == [together.at(2000)]
    assert alone.separation == together.separation
    assert evidence(REAL, SYNTHETIC, QUICK) == together


def test_another_seed_changes_the_draws_and_not_the_values() -> None:
    first = evidence(REAL, SYNTHETIC, QUICK)
    second = evidence(REAL, SYNTHETIC, KidSettings(subset_size=10, subsets=20, draws=200, permutations=199, seed=1))
    assert first.separation.kid == second.separation.kid
    assert first.separation.ci != second.separation.ci


def test_a_perfect_autoencoder_costs_nothing() -> None:
    sources = {"ad": np.arange(60), "non_ad": np.arange(40)}
    same = ClassFeatures(*(FeatureSet(REAL[c].features, sources=sources[c]) for c in PATHOLOGIES))
    found = evidence(REAL, {}, QUICK, reconstruction=same).reconstruction
    assert found is not None
    assert found.iteration is None
    for c in PATHOLOGIES:
        assert found.cell(c, c).kid == pytest.approx(0, abs=1e-10)
        assert found.cell(c, c).ci == pytest.approx((0, 0), abs=1e-10)
    assert found.alignment.value == pytest.approx(1)


def test_a_result_survives_json() -> None:
    result = evidence(REAL, SYNTHETIC, QUICK)
    assert type(result).model_validate_json(result.model_dump_json()) == result


def test_alignment_has_no_end_where_separation_cannot_be_told_from_zero() -> None:
    found = evidence(two_classes(20, 20, seed=3, gap=0.0), {1: SYNTHETIC[1000]}, QUICK)
    assert found.iterations[0].alignment.ci is None
    assert "undecidable" in found.iterations[0].alarms


@pytest.mark.parametrize(
    ("separation_p", "margins", "alignment", "alignment_p", "expected"),
    [
        (0.01, (0.1, 0.1), 0.8, 0.01, []),
        (0.01, (0.3, -0.1), 0.6, 0.01, ["negative_margin_non_ad"]),
        (0.01, (-0.1, 0.12), 0.1, 0.4, ["negative_margin_ad", "class_ignored"]),
        (0.01, (-0.2, -0.2), -0.9, 0.01, ["negative_margin_ad", "negative_margin_non_ad", "swapped"]),
        (0.20, (0.1, 0.1), 0.8, 0.40, ["undecidable"]),
        (0.90, (0.1, 0.1), None, 0.01, ["undecidable"]),
    ],
)
def test_alarms(
    separation_p: float,
    margins: tuple[float, float],
    alignment: float | None,
    alignment_p: float,
    expected: list[str],
) -> None:
    raised = alarms(
        Separation(kid=0.1, ci=(0.0, 0.2), p=separation_p),
        {c: Estimate(value=m, ci=(m - 1, m + 1)) for c, m in zip(PATHOLOGIES, margins, strict=True)},
        Alignment(value=alignment, ci=None, p=alignment_p),
    )
    assert raised == expected


def test_warnings_below_fifty_images_and_for_images_of_a_group_that_bias_plain_kid() -> None:
    inside, outside = Separation(kid=0.1, ci=(0.0, 0.2), p=0.1), Separation(kid=0.3, ci=(0.0, 0.2), p=0.1)
    assert reference_warnings({"ad": 50, "non_ad": 50}, inside) == []
    assert "31 real AD images" in reference_warnings({"ad": 31, "non_ad": 50}, inside)[0]
    assert "pairs of one group" in reference_warnings({"ad": 50, "non_ad": 50}, outside)[0]


def replaced(classes: ClassFeatures, ad: FeatureSet) -> ClassFeatures:
    return ClassFeatures(ad, classes.non_ad)


@pytest.mark.parametrize(
    ("ad", "message"),
    [
        (FeatureSet(np.full((30, 6), np.nan)), "iteration 7 AD: NaN"),
        (FeatureSet(np.ones((30, 6))), "iteration 7 AD: all 30 images"),
        (FeatureSet(np.eye(30, 5)), "different widths"),
        (FeatureSet(np.eye(4, 6)), r"subset size 10 is above the smallest set \(4 images\)"),
    ],
)
def test_bad_synthetic_features(ad: FeatureSet, message: str) -> None:
    with pytest.raises(UserError, match=message):
        evidence(REAL, {7: replaced(SYNTHETIC[1000], ad)}, QUICK)


def test_bad_real_features() -> None:
    with pytest.raises(UserError, match="real AD: all images are of one group"):
        evidence(replaced(REAL, FeatureSet(REAL.ad.features, ["a"] * 60)), SYNTHETIC, QUICK)
    with pytest.raises(UserError, match="3 groups for 60 images"):
        evidence(replaced(REAL, FeatureSet(REAL.ad.features, ["a", "b", "c"])), SYNTHETIC, QUICK)
    with pytest.raises(UserError, match="real AD 5, real Non-AD 6"):
        evidence(replaced(REAL, FeatureSet(np.eye(60, 5))), SYNTHETIC, QUICK)


def test_eight_iterations_within_five_seconds_of_processor_time() -> None:
    rng = np.random.default_rng(0)

    def random(n: int) -> ClassFeatures:
        return ClassFeatures(FeatureSet(rng.normal(size=(n, 1280))), FeatureSet(rng.normal(size=(n, 1280))))

    real, synthetic = random(75), {i: random(64) for i in range(8)}
    start = time.process_time()
    evidence(real, synthetic, KidSettings(subset_size=32))
    assert time.process_time() - start < 5
