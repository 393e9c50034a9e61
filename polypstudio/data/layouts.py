"""The layouts in which real images may lie on disk, and how a study reads the datasets that it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from polypstudio.config import DataConfig
from polypstudio.data.catalogue import Catalogue
from polypstudio.data.clinichd import read_classif, read_segment
from polypstudio.data.folder import read_folder
from polypstudio.data.listing import Listing, check_classes, check_groups
from polypstudio.data.sun import SEG_SKIPPED, read_sun, read_sun_seg
from polypstudio.data.tree import MASKS, Tree, walk
from polypstudio.errors import UserError
from polypstudio.records import RealImage


@dataclass(frozen=True)
class Layout:
    """How a dataset is read from its files. ``skipped``: plain names of folders that are not entered. ``needs_classes``:
    whether it must hold both classes by itself. Raise ``version`` where the same files would be read otherwise."""

    read: Callable[[Tree], Listing]
    skipped: frozenset[str] = frozenset()
    needs_classes: bool = True
    publishes_counts: bool = False
    version: int = 1


LAYOUTS: dict[str, Layout] = {
    "folder": Layout(read_folder),
    "phantom": Layout(read_folder),  # a phantom is written as class folders with a metadata.csv
    "sun": Layout(read_sun, needs_classes=False, publishes_counts=True),
    "sun-seg": Layout(read_sun_seg, SEG_SKIPPED, needs_classes=False, publishes_counts=True),
    "clinichd-segment": Layout(read_segment, MASKS, publishes_counts=True),
    "clinichd-classif": Layout(read_classif, MASKS, publishes_counts=True),
}


def list_dataset(root: Path, layout: str, catalogue: Catalogue | None = None) -> Listing:
    """What one dataset holds. With a ``catalogue``, a dataset that has not changed is not read again.

    Raises UserError for an unknown layout and for whatever is wrong with the folder.
    """
    listing = _listed(root, layout, catalogue)
    if LAYOUTS[layout].needs_classes:
        check_classes(root, listing.images)
    return listing


def read_dataset(root: Path, layout: str) -> list[RealImage]:
    """The images of :func:`list_dataset`, in natural order of their paths."""
    return list_dataset(root, layout).images


def list_study(data: DataConfig, root: Path, catalogue: Catalogue | None = None) -> Listing:
    """What a study's dataset in ``root`` and those added to it hold; the paths of the latter are absolute.

    Raises UserError where the datasets together lack a class, or have a group in both splits.
    """
    listings = [_listed(root, data.layout, catalogue)]
    for source in data.also:
        folder = Path(source.path).expanduser()
        added = _listed(folder, source.layout, catalogue)
        images = [replace(image, path=(folder / image.path).as_posix()) for image in added.images]
        listings.append(replace(added, images=images, digest=""))
    if len(listings) == 1:
        check_classes(root, listings[0].images, listings[0].labelling)
        return listings[0]
    images = [image for listing in listings for image in listing.images]
    check_groups(root, images)
    check_classes(root, images, next((listing.labelling for listing in listings if listing.labelling), ""))
    return Listing(
        images,
        all(listing.split_given for listing in listings),
        " ".join(listing.files for listing in listings),
        tuple(text for listing in listings for text in listing.departures),
        tuple(text for listing in listings for text in listing.notes),
    )


def _listed(root: Path, layout: str, catalogue: Catalogue | None) -> Listing:
    if layout not in LAYOUTS:
        raise UserError(f"layout `{layout}` is unknown; known are {', '.join(LAYOUTS)}")
    found = LAYOUTS[layout]
    if catalogue is None:
        return found.read(walk(root, found.skipped))
    return catalogue.listing(root, f"{layout} {found.version}", found.skipped, found.read)
