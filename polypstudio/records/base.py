"""The words of a study, and the base of all records."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from polypstudio.config.words import Label as Label
from polypstudio.config.words import Pathology

Split = Literal["train", "test"]
Source = Literal["real", "synthetic", "reconstruction"]
Alarm = Literal["negative_margin_ad", "negative_margin_non_ad", "class_ignored", "swapped", "undecidable"]

PATHOLOGIES: tuple[Pathology, Pathology] = ("ad", "non_ad")
PATHOLOGY_NAMES: dict[str, str] = {"ad": "AD", "non_ad": "Non-AD"}
PATHOLOGY_MEANING: dict[str, str] = {"ad": "adenomatous", "non_ad": "non-adenomatous"}
REFERENCE_NAMES: dict[str, str] = {"train": "trained on", "held_out": "held out"}


class Record(BaseModel):
    """Base of all records: immutable, and strict about unknown fields so that a newer file is not half-read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(Record):
    """What every results file carries beside its content."""

    COMPACT: ClassVar[bool] = False  # whether its file is one line: long lists of numbers are not read by people

    schema_version: int = 1
    encoder: str | None = None
    inputs: dict[str, str] = Field(default_factory=dict, description="name of an input -> hash of its content")
    settings: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    created: str = ""
