"""What is in a dataset, and what is wrong with it, before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from pydantic import Field, computed_field

from polypstudio.data.duplicates import difference_hash, identical, near_pairs, pixel_hash
from polypstudio.data.layouts import LAYOUTS, list_dataset
from polypstudio.data.sharpness import LOW_QUANTILE
from polypstudio.data.threads import in_threads
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.records import PATHOLOGIES, RealImage, Record
from polypstudio.store.images import load_rgb

SHOWN = 10  # findings of one kind that are listed in words; all are in the record


class Unreadable(Record):
    path: str
    reason: str


class AuditReport(Record):
    """Counts and findings. Paths are relative to ``root``; every list of paths is one finding."""

    root: str
    layout: str
    split_given: bool
    counts: dict[str, dict[str, int]]
    groups: dict[str, int]
    groups_with_both_classes: int
    quality: dict[str, int]
    formats: dict[str, int]
    unreadable: list[Unreadable]
    identical_across_splits: list[list[str]]
    identical_within_split: list[list[str]]
    near_across_splits: list[list[str]]
    near_within_split: list[list[str]]
    opened: bool = Field(True, description="whether the images were opened, or only counted")
    published: bool = Field(False, description="whether the dataset's own counts are known")
    departures: list[str] = Field(default_factory=list, description="from the published counts")
    notes: list[str] = Field(default_factory=list, description="how the dataset was read")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """As published, nothing unreadable, no image in both train and test. Near duplicates are for eyes to judge."""
        return not self.unreadable and not self.identical_across_splits and not self.departures

    def lines(self) -> list[str]:
        """The report in words, one fact a line."""
        total = sum(sum(labels.values()) for labels in self.counts.values())
        lines = [f"{self.root}: {total} images, layout {self.layout}"]
        for split, labels in self.counts.items():
            numbers = ", ".join(f"{count} {label}" for label, count in labels.items())
            lines.append(f"{split}: {numbers}; {self.groups[split]} groups")
        lines += self.notes
        lines.append(
            "split: as given" if self.split_given else "split: none given; made by group, 30 % of each class to test"
        )
        if self.published and not self.departures:
            lines.append("counts: as published")
        lines += [f"not as published: {text}" for text in self.departures]
        lines.append(f"groups that hold both classes: {self.groups_with_both_classes}")
        if not self.opened:
            return [*lines, "no image was opened: leave out --counts to look for unreadable files and duplicates"]
        lines.append("files: " + ", ".join(f"{count} × {kind}" for kind, count in self.formats.items()))
        lines.append(self._quality_line())
        lines += _listing("unreadable", [[f"{item.reason}"] for item in self.unreadable])
        lines += _listing("identical in train and test", self.identical_across_splits)
        lines += _listing("identical within a split", self.identical_within_split)
        lines += _listing("nearly identical in train and test", self.near_across_splits)
        lines += _listing("nearly identical within a split, in different groups", self.near_within_split)
        lines.append("nothing wrong" if self.ok else f"to mend: {self._faults()}")
        return lines

    def _faults(self) -> str:
        faults = {
            "what is not as published": self.departures,
            "unreadable files": self.unreadable,
            "images that are in train and test": self.identical_across_splits,
        }
        return ", ".join(fault for fault, found in faults.items() if found)

    def _quality_line(self) -> str:
        stated = ", ".join(f"{count} {name}" for name, count in self.quality.items() if name != "unstated")
        unstated = self.quality.get("unstated", 0)
        if not unstated:
            return f"quality: {stated}"
        measured = f"{unstated} not stated (will be measured; the least sharp {LOW_QUANTILE:.0%} count as low)"
        return f"quality: {stated}, {measured}" if stated else f"quality: {measured}"


class Opened(NamedTuple):
    """What is kept of an image that could be read."""

    pixel_hash: str
    difference_hash: np.ndarray
    kind: str


def audit(root: Path, layout: str, report: Report = silent, open_images: bool = True) -> AuditReport:
    """Counts a dataset and, with ``open_images``, reads every image of it once.

    Raises UserError where the dataset as a whole cannot be used: see :func:`polypstudio.data.layouts.list_dataset`.
    """
    listing = list_dataset(root, layout)
    images = listing.images
    readable: list[RealImage] = []
    opened: list[Opened] = []
    unreadable: list[Unreadable] = []
    files = [root / image.path for image in images] if open_images else []
    for done, (image, found) in enumerate(zip(images, in_threads(_open, files), strict=False), start=1):
        if isinstance(found, str):
            unreadable.append(Unreadable(path=image.path, reason=found))
        else:
            readable.append(image)
            opened.append(found)
        report(done, len(images), "reading images")

    same = identical([image.pixel_hash for image in opened])
    near = _between_groups(readable, opened)
    return AuditReport(
        root=str(root),
        layout=layout,
        split_given=listing.split_given,
        counts=_counts(images),
        groups=_groups(images),
        groups_with_both_classes=_groups_with_both_classes(images),
        quality=dict(Counter(image.quality or "unstated" for image in images)),
        formats=dict(Counter(image.kind for image in opened).most_common()),
        unreadable=unreadable,
        identical_across_splits=_paths(readable, same, lambda splits: len(splits) > 1),
        identical_within_split=_paths(readable, same, lambda splits: len(splits) == 1),
        near_across_splits=_paths(readable, near, lambda splits: len(splits) > 1),
        near_within_split=_paths(readable, near, lambda splits: len(splits) == 1),
        opened=open_images,
        published=LAYOUTS[layout].publishes_counts,
        departures=list(listing.departures),
        notes=list(listing.notes),
    )


def _open(path: Path) -> Opened | str:
    """The hashes of an image, or why it cannot be read."""
    try:
        pixels = load_rgb(path)
    except UserError as error:
        return str(error)
    return Opened(pixel_hash(pixels), difference_hash(pixels), _kind(path))


def _kind(path: Path) -> str:
    """Such as ``JPEG RGB 256 × 256``. The file has been read before."""
    try:
        with Image.open(path) as image:
            return f"{image.format} {image.mode} {image.width} × {image.height}"
    except OSError:  # one of the TIFFs that only tifffile reads
        return "TIFF"


def _counts(images: list[RealImage]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {"train": Counter(), "test": Counter()}
    for image in images:
        counts[image.split][image.label] += 1
    return {split: dict(sorted(labels.items())) for split, labels in counts.items()}


def _groups(images: list[RealImage]) -> dict[str, int]:
    return {split: len({image.group for image in images if image.split == split}) for split in ("train", "test")}


def _groups_with_both_classes(images: list[RealImage]) -> int:
    labels: dict[str, set[str]] = defaultdict(set)
    for image in images:
        labels[image.group].add(image.label)
    return sum(set(PATHOLOGIES) <= held for held in labels.values())


def _between_groups(images: list[RealImage], opened: list[Opened]) -> list[list[int]]:
    """Near pairs of different groups (within a group they are expected), without those that are identical."""
    hashes = np.array([image.difference_hash for image in opened], np.uint64).reshape(-1, 4)
    _, groups = np.unique([image.group for image in images], return_inverse=True)
    return [[i, j] for i, j in near_pairs(hashes, groups) if opened[i].pixel_hash != opened[j].pixel_hash]


def _paths(
    images: list[RealImage], findings: Iterable[list[int]], chosen: Callable[[set[str]], bool]
) -> list[list[str]]:
    """The findings as paths, where the splits that each touches are as ``chosen`` wants them."""
    return [
        [images[index].path for index in indices]
        for indices in findings
        if chosen({images[index].split for index in indices})
    ]


def _listing(title: str, findings: list[list[str]]) -> list[str]:
    lines = [f"{title}: {len(findings) or 'none'}"]
    lines += ["  " + " = ".join(paths) for paths in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"  … and {len(findings) - SHOWN} more")
    return lines
