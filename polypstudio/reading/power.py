"""What a design can show, estimated before the first reading: how narrow its intervals get, what AUC it would detect.

The estimate needs assumptions on how much readers and images differ; they are constants here and stand beside it.
"""

from __future__ import annotations

from polypstudio.records import Record

READER_SHARE, IMAGE_SHARE = 0.05, 0.20  # of a yes-or-no answer's variance at 50 %: between readers, between images
AUC_READER_SD = 0.04
AUC_CASE_CORRELATION = 0.4  # of two readers' AUCs on the same images
LEVEL, POWER = 0.95, 0.8


class Power(Record):
    """``half_width``: of the 95 % interval of one stratum's judged-real rate, near 50 %.

    ``detectable_auc``: the smallest AUC, real against synthetic, that differs from guessing with a power of 80 %.
    None where there is nothing to tell apart.
    """

    half_width: float
    stratum_images: int
    detectable_auc: float | None
    n_real: int
    n_synthetic: int
    n_readers: int


def power(n_readers: int, stratum_images: int, n_real: int, n_synthetic: int) -> Power:
    """The estimate for a design of ``stratum_images`` in its smallest synthetic set and class."""
    from scipy.special import ndtri

    z_level, z_power = float(ndtri((1 + LEVEL) / 2)), float(ndtri(POWER))
    return Power(
        half_width=z_level * _rate_variance(n_readers, stratum_images) ** 0.5,
        stratum_images=stratum_images,
        detectable_auc=_detectable_auc(n_readers, n_real, n_synthetic, z_level, z_power),
        n_real=n_real,
        n_synthetic=n_synthetic,
        n_readers=n_readers,
    )


def auc_variance(area: float, n_real: int, n_synthetic: int) -> float:
    """Variance of one reader's AUC over samples of images (Hanley & McNeil 1982)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    return (area * (1 - area) + (n_real - 1) * (q1 - area**2) + (n_synthetic - 1) * (q2 - area**2)) / (
        n_real * n_synthetic
    )


def _rate_variance(n_readers: int, n_images: int) -> float:
    rest = 1 - READER_SHARE - IMAGE_SHARE
    return 0.25 * (READER_SHARE / n_readers + IMAGE_SHARE / n_images + rest / (n_readers * n_images))


def _mean_auc_variance(area: float, n_readers: int, n_real: int, n_synthetic: int) -> float:
    """Of the mean of readers on the same images (Obuchowski & Rockette 1995, one modality)."""
    cases = auc_variance(area, n_real, n_synthetic)
    return AUC_READER_SD**2 / n_readers + cases * (AUC_CASE_CORRELATION + (1 - AUC_CASE_CORRELATION) / n_readers)


def _detectable_auc(n_readers: int, n_real: int, n_synthetic: int, z_level: float, z_power: float) -> float | None:
    if not n_real or not n_synthetic:
        return None
    at_chance = _mean_auc_variance(0.5, n_readers, n_real, n_synthetic) ** 0.5
    for thousandths in range(501, 1000):
        area = thousandths / 1000
        there = _mean_auc_variance(area, n_readers, n_real, n_synthetic) ** 0.5
        if area - 0.5 >= z_level * at_chance + z_power * there:
            return area
    return None
