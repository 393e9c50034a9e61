"""How often the intervals of a reading hold the truth, by simulated readers and images of known spread."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from polypstudio.metrics.agreement import auc, krippendorff_alpha
from polypstudio.reading.intervals import auc_statistic, crossed_estimate, share_statistic
from polypstudio.reading.pairs import alpha_statistic, kappa_statistic


def coverage_of_rate(
    n_readers: int, n_images: int, reader_sd: float, image_sd: float, mean: float, draws: int, seed: int = 0
) -> tuple[float, float]:
    """(share of intervals that hold the rate over all readers and images, their mean width). Probit model."""
    rng = np.random.default_rng(seed)
    truth = float(ndtr(mean / (1 + reader_sd**2 + image_sd**2) ** 0.5))
    held, widths = [], []
    for _ in range(draws):
        leaning = rng.normal(mean, reader_sd, (n_readers, 1)) + rng.normal(0, image_sd, (1, n_images))
        values = (leaning + rng.normal(size=(n_readers, n_images)) > 0).astype(float)
        low, high = crossed_estimate(share_statistic(values), n_readers, np.zeros(n_images), rng).ci
        held.append(low <= truth <= high)
        widths.append(high - low)
    return float(np.mean(held)), float(np.mean(widths))


def coverage_of_auc(
    n_readers: int,
    n_real: int,
    n_synthetic: int,
    reader_sd: float,
    image_sd: float,
    apart: float,
    draws: int,
    seed: int = 0,
) -> tuple[float, float]:
    """The same of the mean AUC on six steps; the truth is that of 300 readers of 2,000 images each."""
    rng = np.random.default_rng(seed)

    def steps(readers: int, real: np.ndarray) -> np.ndarray:
        skill = rng.normal(apart, reader_sd, (readers, 1))
        evidence = skill * real + rng.normal(0, image_sd, (1, len(real))) + rng.normal(size=(readers, len(real)))
        return np.clip(np.ceil(3 + 1.2 * (evidence - apart / 2)), 1, 6)

    many = np.arange(2000) < 1000
    truth = float(np.mean([auc(steps(1, many)[0], many) for _ in range(300)]))
    real = np.arange(n_real + n_synthetic) < n_real
    held, widths = [], []
    for _ in range(draws):
        statistic = auc_statistic(steps(n_readers, real), real)
        low, high = crossed_estimate(statistic, n_readers, real.astype(int), rng).ci
        held.append(low <= truth <= high)
        widths.append(high - low)
    return float(np.mean(held)), float(np.mean(widths))


def coverage_of_agreement(
    n_readers: int, n_images: int, reader_sd: float, image_sd: float, draws: int, seed: int = 0
) -> list[tuple[float, float]]:
    """The same of Fleiss' κ on two halves, then of α on six steps; the truth is that of 100 readers of 4,000 images."""
    rng = np.random.default_rng(seed)

    def answers(readers: int, images: int) -> tuple[np.ndarray, np.ndarray]:
        evidence = rng.normal(0, reader_sd, (readers, 1)) + rng.normal(0, image_sd, (1, images))
        evidence = evidence + rng.normal(size=(readers, images))
        return (evidence > 0).astype(float), np.clip(np.ceil(3 + 1.2 * evidence), 1, 6)

    votes, steps = answers(100, 4000)
    truths = krippendorff_alpha(votes), krippendorff_alpha(steps, "ordinal")  # of so many, α of two values is κ
    held, widths = [], []
    for _ in range(draws):
        votes, steps = answers(n_readers, n_images)
        statistics = kappa_statistic(votes), alpha_statistic(steps, "ordinal")
        own = [crossed_estimate(s, n_readers, np.zeros(n_images), rng, scale="real").ci for s in statistics]
        held.append([low <= truth <= high for (low, high), truth in zip(own, truths, strict=True)])
        widths.append([high - low for low, high in own])
    return list(zip(np.mean(held, axis=0).tolist(), np.mean(widths, axis=0).tolist(), strict=True))
