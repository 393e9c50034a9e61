"""How readers answer: rates with exact intervals, sensitivity to what is real, and agreement between readers."""

from __future__ import annotations

from typing import Literal

import numpy as np


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact confidence interval of a proportion (Clopper & Pearson 1934): for independent trials only.

    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n} is no proportion")
    from scipy.special import betaincinv  # imported late: the dashboard starts without scipy

    tail = (1 - level) / 2
    low = betaincinv(successes, n - successes + 1, tail) if successes > 0 else 0.0
    high = betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return float(low), float(high)


def d_prime(hits: int, n_signal: int, false_alarms: int, n_noise: int) -> float:
    """Sensitivity d' = z(hit rate) - z(false-alarm rate), in SD of the decision variable; 0 is guessing.

    Rates are taken as (k + 0.5) / (n + 1), which keeps 0 and 1 finite (log-linear correction, Hautus 1995).
    Raises ValueError if there is no signal or no noise trial.
    """
    if n_signal == 0 or n_noise == 0:
        raise ValueError("d' needs both real and synthetic images")
    from scipy.special import ndtri

    hit_rate = (hits + 0.5) / (n_signal + 1)
    false_alarm_rate = (false_alarms + 0.5) / (n_noise + 1)
    return float(ndtri(hit_rate) - ndtri(false_alarm_rate))


def d_prime_of_pairs(share: float, n: int) -> float:
    """d' = √2 · z(share of right choices) between two (Macmillan & Creelman 2005), by the log-linear correction."""
    from scipy.special import ndtri

    return float(2**0.5 * ndtri((share * n + 0.5) / (n + 1)))


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting one half.

    ``scores`` (n,), ``positive`` (n,) bool. Raises ValueError if one class is absent.
    """
    positive = np.asarray(positive, bool)
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if n_positive == 0 or n_negative == 0:
        raise ValueError("the AUC needs both classes")
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(ties) - (ties - 1) / 2)[place]
    return float((rank[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def fleiss_kappa(counts: np.ndarray) -> float:
    """Agreement beyond chance of a fixed number of raters (Fleiss 1971).

    ``counts`` (items, categories): how many raters put the item in the category; each row sums to the same number of
    raters, at least two (ValueError otherwise). NaN where all ratings fall into one category: chance explains all.
    """
    counts = np.asarray(counts, float)
    raters = counts.sum(axis=1)
    if counts.size == 0 or raters[0] < 2 or (raters != raters[0]).any():
        raise ValueError("every item needs the same number of ratings, at least two")
    observed = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    expected = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return float((observed.mean() - expected) / (1 - expected)) if expected < 1 else float("nan")


def krippendorff_alpha(ratings: np.ndarray, level: Literal["nominal", "ordinal"] = "nominal") -> float:
    """Agreement beyond chance of any number of raters with missing ratings (Krippendorff 2019, chapter 12).

    ``ratings`` (raters, items), NaN where a rater did not rate; items rated once say nothing and are left out. NaN where
    no item was rated twice, or all ratings are the same.
    """
    ratings = np.asarray(ratings, float)
    values = np.unique(ratings[~np.isnan(ratings)])
    votes = np.array([[(item == value).sum() for value in values] for item in ratings.T], float)
    raters = votes.sum(axis=1) if votes.size else np.zeros(0)
    votes, raters = votes[raters > 1], raters[raters > 1]
    if not votes.size:
        return float("nan")
    weights = 1 / (raters - 1)
    together = np.einsum("ia,ib,i->ab", votes, votes, weights) - np.diag((votes * weights[:, None]).sum(axis=0))
    margin = together.sum(axis=1)
    distance = _distances(margin, level)
    expected = (np.outer(margin, margin) * distance).sum() / (margin.sum() - 1)
    return float(1 - (together * distance).sum() / expected) if expected > 0 else float("nan")


def _distances(margin: np.ndarray, level: Literal["nominal", "ordinal"]) -> np.ndarray:
    """Squared differences of the values: 1 between any two, or by how many ratings lie from the one to the other."""
    if level == "nominal":
        return 1 - np.eye(len(margin))
    middle = np.cumsum(margin) - margin / 2
    return (middle[:, None] - middle[None, :]) ** 2
