"""The words of a study that its configuration and its records share."""

from __future__ import annotations

from typing import Literal

Pathology = Literal["ad", "non_ad"]
Label = Literal["ad", "non_ad", "unlabelled", "non_polyp"]
Quality = Literal["high", "low"]

LABELS: tuple[Label, ...] = ("ad", "non_ad", "unlabelled", "non_polyp")
