"""What the nearest images say: class agreement, copies of training images, and near-duplicates among the synthetic."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from pydantic import Field

from polypstudio.records.base import Pathology, Record, Result


class NeighbourAgreement(Record):
    """k-NN class agreement in the original feature space; 0.5 is chance (see metrics.neighbours)."""

    iteration: int
    overall: float
    per_class: dict[Pathology, float]
    ci: dict[Pathology, tuple[float, float]] | None = Field(
        None,
        description="of per_class: of other synthetic images, given these real ones; None in results of older versions",
    )


class Copy(Record):
    """The nearest real training image of one synthetic image, as cosine distance, and whether that is a copy."""

    label: Pathology
    index: int
    nearest_label: Pathology
    nearest_index: int
    distance: float
    is_copy: bool


class IterationCopies(Record):
    iteration: int
    images: list[Copy]


class SyntheticImage(NamedTuple):
    """A synthetic image of an iteration: its class and its index in it."""

    label: Pathology
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody calls


class IterationDuplicates(Record):
    """Synthetic images of one iteration that repeat each other, as clusters of two or more, the largest first."""

    iteration: int
    clusters: list[list[SyntheticImage]]
    n_synthetic: int

    @property
    def images(self) -> int:
        """How many images have a near-duplicate."""
        return sum(len(cluster) for cluster in self.clusters)


class NeighbourResult(Result):
    """``results/neighbours/<encoder>.json``: class agreement, copies and near-duplicates, all by nearest images."""

    COMPACT: ClassVar[bool] = True

    k: int
    real_agreement: float = Field(description="leave-group-out agreement of the real images: the ceiling")
    agreement: list[NeighbourAgreement]
    copy_threshold: float
    copies: list[IterationCopies]
    duplicates: list[IterationDuplicates] = Field(
        default_factory=list, description="by the distance that also marks a copy; empty in results of older versions"
    )
