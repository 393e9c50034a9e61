"""Intervals where readers and images were both drawn from many, and every reader judged every image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from polypstudio.metrics.agreement import clopper_pearson
from polypstudio.records import Estimate

RESAMPLES = 2000
LEVEL = 0.95

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(B, readers) and (B, images) weights -> (B,) values, NaN where a draw leaves nothing to compute."""


def crossed_estimate(
    statistic: Statistic,
    n_readers: int,
    kinds: np.ndarray,
    rng: np.random.Generator,
    scale: Literal["share", "real"] = "share",
) -> Estimate:
    """The statistic of all readers and images, with a 95 % interval from a bootstrap over readers *and* images.

    ``kinds`` (images,): images are drawn within their kind. Resampling both at once counts the noise of single answers
    three times (Owen 2007), so its variance is put together from three bootstraps: over readers, over images, over
    both. Student's t by Satterthwaite's degrees of freedom makes up for few readers. A ``share`` (a rate, an AUC) gets
    its interval on the logit scale, and an exact one of as many trials as images where all answers agree.
    """
    smallest = int(np.unique(kinds, return_counts=True)[1].min())
    ones = np.ones((1, n_readers)), np.ones((1, len(kinds)))
    value = float(statistic(*ones)[0])
    readers, images = _draws(n_readers, np.zeros(n_readers), rng), _draws(len(kinds), kinds, rng)
    over_images = _variance(statistic(np.broadcast_to(ones[0], readers.shape), images)) * _unbias(smallest)
    if n_readers == 1:
        variance, freedom = over_images, smallest - 1.0
    else:
        over_readers = _variance(statistic(readers, np.broadcast_to(ones[1], images.shape))) * _unbias(n_readers)
        both = _variance(statistic(readers, images))
        answers = max(both - over_readers / _unbias(n_readers) - over_images / _unbias(smallest), 0.0)
        variance = over_readers + over_images - answers * _unbias(n_readers) * _unbias(smallest)
        variance = max(variance, over_readers, over_images)
        freedom = _degrees_of_freedom(variance, over_readers, n_readers, over_images, smallest)
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
        return _ratio(np.einsum("br,bi,ri->b", readers, images, filled, optimize=True), total)

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
                _ratio(
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
    return _ratio((readers * np.where(known, values, 0.0)).sum(axis=1), (readers * known).sum(axis=1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _variance(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.var()) if len(values) else 0.0


def _unbias(n: int) -> float:
    return n / (n - 1) if n > 1 else 1.0


def _degrees_of_freedom(variance: float, readers: float, n_readers: int, images: float, n_images: int) -> float:
    if variance == 0:
        return float(n_readers - 1)
    freedom = variance**2 / (readers**2 / (n_readers - 1) + images**2 / max(n_images - 1, 1))
    return max(freedom, float(min(n_readers, n_images) - 1), 1.0)


def _share_interval(value: float, variance: float, freedom: float, n: int) -> tuple[float, float]:
    if variance == 0:
        return clopper_pearson(round(value * n), n, LEVEL)
    inner = min(max(value, 0.5 / n), 1 - 0.5 / n)
    centre, half = np.log(inner / (1 - inner)), _quantile(freedom) * variance**0.5 / (inner * (1 - inner))
    low, high = 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
    return float(min(low, value)), float(max(high, value))


def _quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1.0), (1 + LEVEL) / 2))
