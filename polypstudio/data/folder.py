"""The layout `folder`: class folders, optional split folders, optional ``metadata.csv``.

``[<split>/]<class>/**/<image>``. An image in a subfolder of its class folder belongs to the group of that subfolder's
name; every other image is a group of its own. A ``metadata.csv`` (Hugging Face ImageFolder style: ``file_name`` and
any of ``label, split, group, quality, sharp``) lists the images and wins over the folders.
Without any split, :mod:`polypstudio.data.splitting` makes one.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from polypstudio.data.images import SUFFIXES
from polypstudio.data.metadata import METADATA, Row, read_metadata
from polypstudio.data.splitting import split_by_group
from polypstudio.data.vocabulary import label_of, split_of
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES, Label, RealImage, Split


@dataclass(frozen=True)
class Listing:
    """The images of a folder, and whether their split came with them or was made here."""

    images: list[RealImage]
    split_given: bool


def list_folder(root: Path) -> Listing:
    """The images under ``root`` in natural order of their paths.

    Raises UserError where the folder, a class or a split is missing, where a folder or a row cannot be understood,
    and where a group is in both splits.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    files = _image_files(root)
    if not files:
        raise UserError(f"{root}: no images; expected folders `ad` and `non_ad`, or `train/ad`, `train/non_ad`, …")
    rows = read_metadata(root / METADATA) if (root / METADATA).is_file() else None
    entries = _from_folders(root, files) if rows is None else _from_metadata(root, files, rows)
    entries.sort(key=lambda entry: natural(entry.path))
    images, given = _with_split(root, entries)
    _check_classes(root, images)
    _check_groups(root, images)
    return Listing(images, given)


def natural(path: str) -> list[tuple[int, int | str]]:
    """Sorting key under which ``2.png`` comes before ``10.png``."""
    parts = re.split(r"([0-9]+)", path)  # text and digits in turn
    return [(0, int(part)) if place % 2 else (1, part) for place, part in enumerate(parts)]


@dataclass(frozen=True)
class _Entry:
    """An image whose split may still be unknown; ``split`` is as it was written: train, test or validation."""

    path: str
    label: Label
    split: str | None
    group: str
    quality: str | None = None


def _image_files(root: Path) -> list[str]:
    """Relative paths of all image files below ``root``, hidden files and folders left out."""
    found = []
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        start = Path(folder).relative_to(root)
        found += [
            (start / name).as_posix()
            for name in names
            if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
        ]
    return found


def _from_folders(root: Path, files: Iterable[str]) -> list[_Entry]:
    entries = []
    for path in files:
        split, label, rest = _place(path)
        if label is None:
            folder = PurePosixPath(path).parent
            raise UserError(
                f"{root / folder}: holds images but is no class folder; name it `ad`, `non_ad`, `unlabelled` or "
                "`non_polyp` (inside `train` and `test`, if the data are split), or move it out"
            )
        entries.append(_Entry(path, label, split, _group(path, rest)))
    return entries


def _place(path: str) -> tuple[str | None, Label | None, tuple[str, ...]]:
    """Split and label that the folders of a path stand for (None where they do not), and the folders below them."""
    folders = PurePosixPath(path).parts[:-1]
    split = split_of(folders[0]) if folders else None
    if split is not None:
        folders = folders[1:]
    label = label_of(folders[0]) if folders else None
    return split, label, folders[1:]


def _group(path: str, subfolders: tuple[str, ...]) -> str:
    return "/".join(subfolders) or path


def _from_metadata(root: Path, files: Iterable[str], rows: list[Row]) -> list[_Entry]:
    present = set(files)
    entries = []
    for row in rows:
        if row.file not in present:
            raise UserError(f"{row.where}: no image {root / row.file}; correct the file_name, or remove the row")
        split, label, rest = _place(row.file)
        label = row.label or label
        if label is None:
            raise UserError(f"{row.where}: no label for {row.file}; fill in `label`, or put it in a class folder")
        group = row.group or _group(row.file, rest)
        entries.append(_Entry(row.file, label, row.split or split, group, row.quality))
    unlisted = sorted((path for path in present - {row.file for row in rows} if _place(path)[1]), key=natural)
    if unlisted:
        raise UserError(
            f"{root / METADATA}: {len(unlisted)} images in class folders are not listed, such as {unlisted[0]}; "
            "add them, or move them out"
        )
    return entries


def _with_split(root: Path, entries: list[_Entry]) -> tuple[list[RealImage], bool]:
    """The images with their split, and whether the data came with it. `validation` is the test split if it is alone."""
    splits = {entry.split for entry in entries}
    if splits == {None}:
        made = split_by_group([(entry.group, entry.label) for entry in entries])
        return [_image(entry, made[entry.group]) for entry in entries], False
    if None in splits:
        stray = next(entry.path for entry in entries if entry.split is None)
        raise UserError(f"{root / stray}: in no split, although other images are; put it in `train` or `test`")
    if {"test", "validation"} <= splits:
        raise UserError(f"{root}: both `test` and `validation`; keep the one to judge on, move the other out")
    if "train" not in splits or len(splits) < 2:
        raise UserError(
            f"{root}: only a `{splits.pop()}` split; add the other, or remove the split from all images to have them "
            "split by group"
        )
    return [_image(entry, "train" if entry.split == "train" else "test") for entry in entries], True


def _image(entry: _Entry, split: Split) -> RealImage:
    return RealImage.model_validate(
        {"path": entry.path, "label": entry.label, "split": split, "group": entry.group, "quality": entry.quality}
    )


def _check_classes(root: Path, images: list[RealImage]) -> None:
    found = {(image.split, image.label) for image in images}
    for label in PATHOLOGIES:
        if not any(image.label == label for image in images):
            raise UserError(f"{root}: no {label} images; expected a folder `{label}`, or such rows in {METADATA}")
        for split in ("train", "test"):
            if (split, label) not in found:
                raise UserError(
                    f"{root}: no {label} images in the {split} split; add a folder `{split}/{label}`, or, where no "
                    "split is given, at least two groups of each class"
                )


def _check_groups(root: Path, images: list[RealImage]) -> None:
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
