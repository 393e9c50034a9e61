"""Intervals where readers and images were both drawn from many, and every reader judged every image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from polypstudio.metrics.agreement import clopper_pearson
from polypstudio.records import Estimate

RESAMPLES = 1000  # enough for variances, which is all that is taken from them
LEVEL = 0.95
NOTHING = 1e-12  # what rounding leaves of zero

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(B, readers) and (B, images) weights -> (B,) values, NaN where a draw leaves nothing to compute."""


def crossed_estimate(
    statistic: Statistic,
    n_readers: int,
    kinds: np.ndarray,
    rng: np.random.Generator,
    scale: Literal["share", "real"] = "share",
) -> Estimate:
    """The statistic of all readers and images, with a 95 % interval from bootstraps over readers *and* images.

    ``kinds`` (images,): images are drawn within their kind. Resampling both at once counts the noise of single answers
    three times (Owen & Eckles 2012), so three bootstraps, over readers, over images and over both, are taken apart into
    what :func:`_variance_of_mean` puts together. A ``share`` (a rate, an AUC) gets its interval on the logit scale, and
    an exact one of as many trials as images where all answers agree.
    """
    smallest = int(np.unique(kinds, return_counts=True)[1].min())
    ones = np.ones((1, n_readers)), np.ones((1, len(kinds)))
    value = float(statistic(*ones)[0])
    readers, images = _draws(n_readers, np.zeros(n_readers), rng), _draws(len(kinds), kinds, rng)
    over_readers = _variance(statistic(readers, np.broadcast_to(ones[1], images.shape)))
    over_images = _variance(statistic(np.broadcast_to(ones[0], readers.shape), images))
    answers = max(_variance(statistic(readers, images)) - over_readers - over_images, 0.0)
    variance, freedom = _variance_of_mean(
        over_readers * _unbias(n_readers),
        over_images * _unbias(smallest),
        answers * _unbias(n_readers) * _unbias(smallest),
        n_readers,
        smallest,
    )
    if scale == "share":
        return Estimate(value=value, ci=_share_interval(value, variance, freedom, smallest))
    half = _quantile(freedom) * variance**0.5
    return Estimate(value=value, ci=(value - half, value + half))


def share_statistic(values: np.ndarray) -> Statistic:
    """The mean of ``values`` (readers, images), NaN where a reader gave none: every answer counts alike."""
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.0)

    def statistic(readers: np.ndarray, images: np.ndarray) -> np.ndarray:
        total = np.einsum("br,bi,ri->b", readers, images, seen, optimize=True)
        return ratio(np.einsum("br,bi,ri->b", readers, images, filled, optimize=True), total)

    return statistic


def auc_statistic(steps: np.ndarray, positive: np.ndarray) -> Statistic:
    """The mean over readers of each one's area under the ROC curve. ``steps`` (readers, images), ``positive`` (images,)."""
    signal, noise = steps[:, positive], steps[:, ~positive]
    wins = (signal[:, :, None] > noise[:, None, :]) + 0.5 * (signal[:, :, None] == noise[:, None, :])
    seen = ~np.isnan(signal)[:, :, None] & ~np.isnan(noise)[:, None, :]

    def statistic(readers: np.ndarray, images: np.ndarray) -> np.ndarray:
        drawn_signal, drawn_noise = images[:, positive], images[:, ~positive]
        areas = np.stack(
            [
                ratio(
                    ((drawn_signal @ np.where(own_seen, own, 0.0)) * drawn_noise).sum(axis=1),
                    ((drawn_signal @ own_seen.astype(float)) * drawn_noise).sum(axis=1),
                )
                for own, own_seen in zip(wins, seen, strict=True)
            ],
            axis=1,
        )
        return _mean_of_readers(areas, readers)

    return statistic


def d_prime_statistic(called: np.ndarray, positive: np.ndarray) -> Statistic:
    """The mean over readers of each one's d'. ``called`` (readers, images): 1 called positive, 0 not, NaN not judged."""
    seen = ~np.isnan(called)
    yes = np.where(seen, called, 0.0)

    def statistic(readers: np.ndarray, images: np.ndarray) -> np.ndarray:
        from scipy.special import ndtri

        def rate(kind: np.ndarray) -> np.ndarray:
            n = images[:, kind] @ seen[:, kind].T
            return np.where(n > 0, (images[:, kind] @ yes[:, kind].T + 0.5) / (n + 1), np.nan)

        return _mean_of_readers(ndtri(rate(positive)) - ndtri(rate(~positive)), readers)

    return statistic


def _draws(n: int, kinds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(RESAMPLES, n): how often each one is drawn, with replacement, within its kind."""
    weights = np.zeros((RESAMPLES, n))
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        weights[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), RESAMPLES)
    return weights


def _mean_of_readers(values: np.ndarray, readers: np.ndarray) -> np.ndarray:
    """(B, readers) values and weights -> (B,): readers without a value are left out."""
    known = ~np.isnan(values)
    return ratio((readers * np.where(known, values, 0.0)).sum(axis=1), (readers * known).sum(axis=1))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Element by element; NaN where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > NOTHING)


def _variance(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.var()) if len(values) else 0.0


def _unbias(n: int) -> float:
    return n / (n - 1) if n > 1 else 1.0


def _variance_of_mean(
    over_readers: float, over_images: float, answers: float, n_readers: int, n_images: int
) -> tuple[float, float]:
    """The variance of a mean over readers and images that were both drawn, and its degrees of freedom for Student's t.

    Over readers and over images each hold the noise of single ``answers``, so of the images only what is beyond it is
    added, and never less than nothing (Obuchowski & Rockette 1995). The degrees of freedom are Satterthwaite's for this
    sum (Hillis 2007), with those of the images, which may be few, beside those of the readers.
    """
    if over_readers < NOTHING:  # one reader, or readers who are all alike
        return over_images, n_images - 1.0
    beyond = max(over_images - answers, 0.0)
    variance = over_readers + beyond
    return variance, variance**2 / (over_readers**2 / (n_readers - 1) + beyond**2 / max(n_images - 1, 1))


def _share_interval(value: float, variance: float, freedom: float, n: int) -> tuple[float, float]:
    if variance < NOTHING:
        return clopper_pearson(round(value * n), n, LEVEL)
    inner = min(max(value, 0.5 / n), 1 - 0.5 / n)
    centre, half = np.log(inner / (1 - inner)), _quantile(freedom) * variance**0.5 / (inner * (1 - inner))
    low, high = 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
    return float(min(low, value)), float(max(high, value))


def _quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1.0), (1 + LEVEL) / 2))
