"""An iteration's manifest, and all of a study that a report is written from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from polypstudio.config import StudyConfig
from polypstudio.records.base import Pathology, Record
from polypstudio.records.classification import ClassificationResult
from polypstudio.records.coverage import CoverageResult
from polypstudio.records.images import RealImage
from polypstudio.records.kid import KidResult
from polypstudio.records.leaks import LeakResult
from polypstudio.records.maps import MapsResult
from polypstudio.records.neighbours import NeighbourResult
from polypstudio.records.ranking import RankingResult


class IterationManifest(Record):
    """``iterations/<n>/manifest.json``, written last: its existence means that the iteration is complete."""

    schema_version: int = 1
    iteration: int
    origin: Literal["trained", "imported images", "imported weights"]
    created: str
    config: dict = Field(default_factory=dict, description="the study's configuration as it ran")
    seed: int | None = None
    prompts: dict[Pathology, str] = Field(default_factory=dict)
    negative_prompt: str | None = None
    sampler: dict[str, str | int | float | bool] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    hashes: dict[str, str] = Field(default_factory=dict, description="unet, samples/ad/00000.png … -> sha256")
    counts: dict[Pathology, int] = Field(default_factory=dict)
    matching: dict[str, int] = Field(
        default_factory=dict, description="what was done to how many imported images to match the real ones' format"
    )
    training: dict[str, float | int | str] = Field(default_factory=dict)


class StudyContents(Record):
    """All that a report on a study is written from, as read from its folder."""

    name: str
    config: StudyConfig
    images: list[RealImage]
    iterations: list[IterationManifest]
    kid: KidResult | None = None
    ranking: RankingResult | None = None
    coverage: CoverageResult | None = None
    neighbours: NeighbourResult | None = None
    maps: MapsResult | None = None
    leaks: LeakResult | None = None
    by_encoder: list[KidResult] = Field(default_factory=list, description="the KID evidence of every encoder")
    classification: ClassificationResult | None = None
