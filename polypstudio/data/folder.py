"""The layout `folder`: class folders, optional split folders, optional ``metadata.csv``.

``[<split>/]<class>/**/<image>``. An image in a subfolder of its class folder belongs to the group of that subfolder's
name; every other image is a group of its own. A ``metadata.csv`` (Hugging Face ImageFolder style: ``file_name`` and
any of ``label, split, group, quality, sharp``) lists the images and wins over the folders.
Without any split, :mod:`polypstudio.data.splitting` makes one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from polypstudio.data.listing import Entry, Listing, with_splits
from polypstudio.data.metadata import METADATA, Row, read_metadata
from polypstudio.data.tree import Tree, natural
from polypstudio.data.vocabulary import label_of, split_of
from polypstudio.errors import UserError
from polypstudio.records import Label


def read_folder(tree: Tree) -> Listing:
    """The images of class folders.

    Raises UserError where a split is missing, where a folder or a row cannot be understood, and where a group is in
    both splits.
    """
    if not tree.images:
        raise UserError(f"{tree.root}: no images; expected folders `ad` and `non_ad`, or `train/ad`, `train/non_ad`, …")
    rows = read_metadata(tree.root / METADATA) if METADATA in tree.noted else None
    entries = (
        _from_folders(tree.root, tree.images) if rows is None else _from_metadata(tree.root, set(tree.images), rows)
    )
    images, given = with_splits(tree.root, entries)
    return Listing(images, given, tree.digest)


def place(path: str) -> tuple[str | None, Label | None, tuple[str, ...]]:
    """Split and label that the folders of a path stand for (None where they do not), and the folders below them."""
    folders = PurePosixPath(path).parts[:-1]
    split = split_of(folders[0]) if folders else None
    if split is not None:
        folders = folders[1:]
    label = label_of(folders[0]) if folders else None
    return split, label, folders[1:]


def group_of(path: str, subfolders: tuple[str, ...]) -> str:
    """The group of an image in subfolders of its class folder; without one, a group of its own."""
    return "/".join(subfolders) or path


def _from_folders(root: Path, files: Iterable[str]) -> list[Entry]:
    entries = []
    for path in files:
        split, label, rest = place(path)
        if label is None:
            folder = PurePosixPath(path).parent
            raise UserError(
                f"{root / folder}: holds images but is no class folder; name it `ad`, `non_ad`, `unlabelled` or "
                "`non_polyp` (inside `train` and `test`, if the data are split), or move it out"
            )
        entries.append(Entry(path, label, split, group_of(path, rest)))
    return entries


def _from_metadata(root: Path, present: set[str], rows: list[Row]) -> list[Entry]:
    entries = []
    for row in rows:
        if row.file not in present:
            raise UserError(f"{row.where}: no image {root / row.file}; correct the file_name, or remove the row")
        split, label, rest = place(row.file)
        label = row.label or label
        if label is None:
            raise UserError(f"{row.where}: no label for {row.file}; fill in `label`, or put it in a class folder")
        entries.append(Entry(row.file, label, row.split or split, row.group or group_of(row.file, rest), row.quality))
    unlisted = sorted((path for path in present - {row.file for row in rows} if place(path)[1]), key=natural)
    if unlisted:
        raise UserError(
            f"{root / METADATA}: {len(unlisted)} images in class folders are not listed, such as {unlisted[0]}; "
            "add them, or move them out"
        )
    return entries
