"""What the KID says: ``results/kid/<encoder>.json``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from polypstudio.records.base import Alarm, Pathology, Record, Result


class Estimate(Record):
    """A value with its 95 % confidence interval, in the unit of the value."""

    value: float
    ci: tuple[float, float]


class Separation(Record):
    """KID of real AD against real Non-AD, with its permutation p."""

    kid: float
    ci: tuple[float, float]
    p: float


class Cell(Record):
    """One cell of the KID matrix: synthetic X against real Y. ``floor``, ``subset_*``: see `metrics.class_evidence`."""

    synthetic: Pathology
    real: Pathology
    kid: float
    ci: tuple[float, float]
    floor: float
    subset_mean: float
    subset_sd: float
    n_real: int
    n_synthetic: int


class Alignment(Record):
    """Class alignment A with its bootstrap interval and the p of the permutation of synthetic labels.

    ``value`` is None where the separation, its unit, is not positive; ``ci`` is None where it is unbounded, because
    the separation cannot be told from zero by its bootstrap.
    """

    value: float | None
    ci: tuple[float, float] | None
    p: float


class IterationEvidence(Record):
    """What the KID says about one iteration against one reference. ``iteration`` is None for the reconstruction."""

    iteration: int | None
    cells: list[Cell]
    margins: dict[Pathology, Estimate]
    alignment: Alignment
    shift: Estimate
    alarms: list[Alarm]

    def cell(self, synthetic: Pathology, real: Pathology) -> Cell:
        """The cell of one pair of classes."""
        return next(c for c in self.cells if c.synthetic == synthetic and c.real == real)


class ReferenceEvidence(Record):
    """All iterations against one reference: the images trained on, or the held-out ones."""

    separation: Separation
    n_real: dict[Pathology, int]
    iterations: list[IterationEvidence]
    reconstruction: IterationEvidence | None = None
    warnings: list[str] = Field(default_factory=list)

    def at(self, iteration: int) -> IterationEvidence | None:
        """The evidence at one iteration, or None if it was not evaluated."""
        return next((e for e in self.iterations if e.iteration == iteration), None)


class KidResult(Result):
    """``results/kid/<encoder>.json``: the KID matrix with its floor, separation, margins and class alignment."""

    subsets: int
    subset_size: int
    references: dict[Literal["train", "held_out"], ReferenceEvidence]
