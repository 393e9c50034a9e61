"""Where images lie among each other: the t-SNE map, class agreement, and copies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from polypstudio.records.base import Pathology, Record, Result


class MapPoint(Record):
    """One image on the t-SNE map."""

    image_set: str
    label: Pathology
    index: int
    x: float
    y: float


class TsneResult(Result):
    """``results/tsne/<encoder>.json``: one map; in the joint alignment real points are the same at all iterations."""

    alignment: Literal["joint"] = "joint"
    perplexity: float
    points: list[MapPoint]


class NeighbourAgreement(Record):
    """k-NN class agreement in the original feature space; 0.5 is chance (see metrics.neighbours)."""

    iteration: int
    overall: float
    per_class: dict[Pathology, float]


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


class NeighbourResult(Result):
    """``results/neighbours/<encoder>.json``: class agreement and copies, both read off nearest real images."""

    k: int
    real_agreement: float = Field(description="leave-group-out agreement of the real images: the ceiling")
    agreement: list[NeighbourAgreement]
    copy_threshold: float
    copies: list[IterationCopies]
