"""Precision, recall, density and coverage (PRDC): ``results/coverage/<encoder>.json``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from polypstudio.records.base import Pathology, Record, Result


class ClassCoverage(Record):
    """PRDC of the synthetic images of one class against the real images of the same class."""

    precision: float = Field(description="share of synthetic images within reach of a real one: fidelity")
    recall: float = Field(description="share of real images within reach of a synthetic one: diversity")
    density: float = Field(description="real neighbourhoods that hold a synthetic image, over k; may exceed 1")
    coverage: float = Field(description="share of real images whose neighbourhood holds a synthetic one")
    coverage_ci: tuple[float, float] | None = Field(
        None,
        description="of other groups of real images, given these synthetic ones; None in results of older versions",
    )
    n_real: int
    n_synthetic: int


class IterationCoverage(Record):
    """Both classes of one iteration; ``iteration`` is None for the reconstruction."""

    iteration: int | None
    per_class: dict[Pathology, ClassCoverage]


class ReferenceCoverage(Record):
    """All iterations against one reference, with the real images of the other split as the yardstick."""

    iterations: list[IterationCoverage]
    yardstick: dict[Pathology, ClassCoverage] | None = Field(
        None, description="the other split's real images judged as if synthetic: what new real images reach"
    )
    reconstruction: IterationCoverage | None = None

    def at(self, iteration: int) -> IterationCoverage | None:
        """The numbers of one iteration, or None if it was not evaluated."""
        return next((each for each in self.iterations if each.iteration == iteration), None)


class CoverageResult(Result):
    """``results/coverage/<encoder>.json``."""

    COMPACT: ClassVar[bool] = True

    k: int
    references: dict[Literal["train", "held_out"], ReferenceCoverage]
