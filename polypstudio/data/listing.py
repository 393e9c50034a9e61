"""What a dataset holds, as its layout says: images with class, split and group, and what departs from what it should be."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from polypstudio.config.words import Quality
from polypstudio.data.splitting import split_by_group
from polypstudio.data.tree import natural
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES, Label, RealImage, Split


@dataclass(frozen=True, slots=True)
class Entry:
    """An image whose split may still be unknown; ``split`` is as it was written: train, test or validation."""

    path: str
    label: Label
    split: str | None
    group: str
    quality: Quality | None = None


@dataclass(frozen=True)
class Listing:
    """The images of a dataset in natural order of their paths."""

    images: list[RealImage]
    split_given: bool  # or made here, by group
    files: str  # hash of the names and sizes of the files
    departures: tuple[str, ...] = ()  # from the published counts: what is missing, in words
    notes: tuple[str, ...] = ()  # what a user should know of how the dataset was read
    labelling: str = ""  # where classes were looked for in a dataset that comes without them
    digest: str = ""  # hash of the images' list; made here where it is not known

    def __post_init__(self) -> None:
        if not self.digest:
            object.__setattr__(self, "digest", _digest(self.images))


def with_splits(root: Path, entries: Iterable[Entry]) -> tuple[list[RealImage], bool]:
    """The images with their split, and whether the data came with it. `validation` is the test split if it is alone.

    Raises UserError where some images are in no split, where a split is missing, and where a group is in both.
    """
    ordered = sorted(entries, key=lambda entry: natural(entry.path))
    splits = {entry.split for entry in ordered}
    if splits == {None}:
        made = split_by_group([(entry.group, entry.label) for entry in ordered])
        return [_image(entry, made[entry.group]) for entry in ordered], False
    if None in splits:
        stray = next(entry.path for entry in ordered if entry.split is None)
        raise UserError(f"{root / stray}: in no split, although other images are; put it in `train` or `test`")
    if {"test", "validation"} <= splits:
        raise UserError(f"{root}: both `test` and `validation`; keep the one to judge on, move the other out")
    if "train" not in splits or len(splits) < 2:
        raise UserError(
            f"{root}: only a `{splits.pop()}` split; add the other, or remove the split from all images to have them "
            "split by group"
        )
    images = [_image(entry, "train" if entry.split == "train" else "test") for entry in ordered]
    check_groups(root, images)
    return images, True


def check_groups(root: Path, images: Iterable[RealImage]) -> None:
    """Raises UserError naming a group that is in both splits."""
    splits: dict[str, set[str]] = defaultdict(set)
    for image in images:
        splits[image.group].add(image.split)
    leaking = sorted((group for group in splits if len(splits[group]) > 1), key=natural)
    if leaking:
        more = f" ({len(leaking) - 1} more such groups)" if len(leaking) > 1 else ""
        raise UserError(
            f"{root}: group `{leaking[0]}` is in both train and test{more}; what is trained on must not be tested on: "
            "move all images of a group to one split"
        )


def check_classes(root: Path, images: Sequence[RealImage], labelling: str = "") -> None:
    """Raises UserError where one of the two classes is missing, or missing in one split."""
    found = {(image.split, image.label) for image in images}
    for label in PATHOLOGIES:
        if not {("train", label), ("test", label)} & found:
            expected = labelling or f"expected a folder `{label}`, or such rows in metadata.csv"
            raise UserError(f"{root}: no {label} images; {expected}")
        for split in ("train", "test"):
            if (split, label) not in found:
                raise UserError(
                    f"{root}: no {label} images in the {split} split; add a folder `{split}/{label}`, or, where no "
                    "split is given, at least two groups of each class"
                )


def _digest(images: Iterable[RealImage]) -> str:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    lines = (
        encode({"path": i.path, "label": i.label, "split": i.split, "group": i.group, "quality": i.quality})
        for i in images
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _image(entry: Entry, split: Split) -> RealImage:
    return RealImage(entry.path, entry.label, split, entry.group, entry.quality)
