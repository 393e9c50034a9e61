"""The layouts in which real images may lie on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from polypstudio.data.folder import Listing, list_folder
from polypstudio.errors import UserError
from polypstudio.records import RealImage

READERS: dict[str, Callable[[Path], Listing]] = {
    "folder": list_folder,
    "phantom": list_folder,  # a phantom is written as class folders with a metadata.csv
}


def read_dataset(root: Path, layout: str) -> list[RealImage]:
    """The images of a dataset in a fixed order (natural order of their paths).

    Raises UserError for an unknown layout and for whatever is wrong with the folder.
    """
    return list_dataset(root, layout).images


def list_dataset(root: Path, layout: str) -> Listing:
    """As :func:`read_dataset`, with whether the split came with the data."""
    if layout not in READERS:
        raise UserError(f"layout `{layout}` is unknown; known are {', '.join(READERS)}")
    return READERS[layout](root)
