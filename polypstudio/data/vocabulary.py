"""How datasets name classes, splits and quality, read into PolypStudio's words."""

from __future__ import annotations

from typing import Literal

from polypstudio.records import Label

_LABELS: dict[str, Label] = {
    "ad": "ad",
    "adenoma": "ad",
    "adenomas": "ad",
    "adenomatous": "ad",
    "nonad": "non_ad",
    "nonadenoma": "non_ad",
    "nonadenomas": "non_ad",
    "nonadenomatous": "non_ad",
    "unlabelled": "unlabelled",
    "unlabeled": "unlabelled",
    "nonpolyp": "non_polyp",
    "nopolyp": "non_polyp",
}
_HISTOLOGIES: dict[str, Label] = {  # those that every definition of the two classes agrees on
    "lowgradeadenoma": "ad",
    "highgradeadenoma": "ad",
    "tubularadenoma": "ad",
    "tubulovillousadenoma": "ad",
    "villousadenoma": "ad",
    "hyperplastic": "non_ad",
    "hyperplasticpolyp": "non_ad",
}
_SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
_QUALITIES: dict[str, Literal["high", "low"]] = {
    "high": "high",
    "low": "low",
    "true": "high",
    "false": "low",
    "yes": "high",
    "no": "low",
    "1": "high",
    "0": "low",
}


def label_of(name: str) -> Label | None:
    """The label a name stands for, whatever its case, spaces, hyphens and underscores; None if it stands for none."""
    return _LABELS.get(plain(name))


def histology_of(name: str) -> Label | None:
    """The label of a histology; None where definitions differ, as for serrated lesions and cancers."""
    return _HISTOLOGIES.get(plain(name))


def split_of(name: str) -> str | None:
    """`train`, `test` or `validation`, or None."""
    return _SPLITS.get(plain(name))


def quality_of(value: str) -> Literal["high", "low"] | None:
    """The quality that a value of a column `quality` (high, low) or `sharp` (true, false) stands for, or None."""
    return _QUALITIES.get(plain(value))


def plain(name: str) -> str:
    """A name without its case, spaces, hyphens and underscores."""
    return "".join(letter for letter in name.lower() if letter not in " -_")
