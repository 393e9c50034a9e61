"""The layouts `clinichd-segment` (CVC-ClinicHDSegment) and `clinichd-classif` (CVC-ClinicHDClassif).

How these two lie inside their archives is not public. Read are class folders, as the layout `folder` takes them, or a
table of labels under the usual names; folders of masks are passed over.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import PurePosixPath

from polypstudio.data.folder import group_of, place, read_folder
from polypstudio.data.listing import Entry, Listing, with_splits
from polypstudio.data.metadata import METADATA
from polypstudio.data.tables import LABEL_COLUMNS, TableRow, find_table, read_table
from polypstudio.data.tree import Tree, some
from polypstudio.data.vocabulary import split_of
from polypstudio.errors import UserError
from polypstudio.records import Label, Split

SEGMENT_IMAGES = 164
CLASSIF_IMAGES: dict[tuple[Split, Label], int] = {
    ("train", "ad"): 536,
    ("train", "non_ad"): 252,
    ("test", "ad"): 77,
    ("test", "non_ad"): 36,
}
TABLES = (
    "labels.csv",
    "label.csv",
    "classes.csv",
    "classification.csv",
    "pathology.csv",
    "histology.csv",
    "labels.txt",
)
COLUMNS = {
    "image": ("file_name", "filename", "file", "image", "image_name", "image_id", "name", "id"),
    "label": LABEL_COLUMNS,
    "split": ("split", "set", "subset"),
    "group": ("group", "patient", "patient_id", "case", "lesion", "polyp", "video"),
}


def read_segment(tree: Tree) -> Listing:
    """CVC-ClinicHDSegment: 164 images, whose masks are not read."""
    listing = _read(tree)
    if len(listing.images) == SEGMENT_IMAGES:
        return listing
    said = f"{len(listing.images)} images; CVC-ClinicHDSegment has {SEGMENT_IMAGES}"
    return replace(listing, departures=(said,))


def read_classif(tree: Tree) -> Listing:
    """CVC-ClinicHDClassif: the official validation images are the test split."""
    listing = _read(tree)
    counts = Counter((image.split, image.label) for image in listing.images)
    departures = tuple(
        f"{split}, {label}: {counts[split, label]} images; CVC-ClinicHDClassif has {published}"
        for (split, label), published in CLASSIF_IMAGES.items()
        if counts[split, label] != published
    )
    return replace(listing, departures=departures)


def _read(tree: Tree) -> Listing:
    table = find_table(tree, TABLES)
    if METADATA in tree.noted or (table is None and any(place(path)[1] for path in tree.images)):
        return read_folder(tree)
    if table is None:
        raise UserError(
            f"{tree.root}: no classes; looked for `{METADATA}`, for class folders (`ad`, `adenoma`, `non_ad`, "
            f"`non-adenoma`, alone or inside `train` and `validation`) and for a table {some(TABLES, 10)}; "
            f"found {len(tree.images)} images and {some(tree.top)}"
        )
    rows = read_table(tree.root / table, COLUMNS, optional=("split", "group"))
    entries = _from_table(tree, rows)
    images, given = with_splits(tree.root, entries)
    unlisted = sorted(set(tree.images) - {entry.path for entry in entries})
    notes = (
        (f"{len(unlisted)} images without a row in {table} are left out, such as {unlisted[0]}",) if unlisted else ()
    )
    return Listing(images, given, tree.digest, notes=(f"classes: by {table}", *notes))


def _from_table(tree: Tree, rows: list[TableRow]) -> list[Entry]:
    """An entry a row; the image may be named by its path, its name, or its name without the suffix."""
    named: dict[str, list[str]] = defaultdict(list)
    for path in tree.images:
        pure = PurePosixPath(path)
        for name in {path, pure.name, pure.stem, pure.with_suffix("").as_posix()}:
            named[name].append(path)
    entries: dict[str, Entry] = {}
    for row in rows:
        name = row.cells["image"].replace("\\", "/")
        found = named.get(name, [])
        if len(found) != 1:
            wrong = f"{len(found)} images have that name; write its path below the folder" if found else "no such image"
            raise UserError(f"{row.where}: image `{name}`: {wrong}")
        path = found[0]
        if path in entries:
            raise UserError(f"{row.where}: {path} is listed twice; remove one of the rows")
        split, _, rest = place(path)
        entries[path] = Entry(path, row.label, _split(row) or split, row.cells.get("group") or group_of(path, rest))
    return list(entries.values())


def _split(row: TableRow) -> str | None:
    text = row.cells.get("split")
    if not text:
        return None
    split = split_of(text)
    if split is None:
        raise UserError(f"{row.where}: split `{text}` is not known; expected train, validation or test")
    return split
