"""The images of a reading: how many there are, drawing them for a design, and their pixels as every reader sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from polypstudio.errors import UserError
from polypstudio.reading.design import Item, ReadingDesign, make_items
from polypstudio.records import PATHOLOGIES, ImageKey
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.readings import Revision
from polypstudio.ui.images import image_file, real_files

LARGEST_SIDE = 1024


def create_reading(study: StudyPaths, body: ReadingDesign, practice: bool = False) -> str:
    """Draws the items of a design and stores it; returns its id. UserError where there are too few images."""
    items = draw_items(study, body)
    return readings.create_design(study, body, items, common_side(item_files(study, items)), practice)


def revise_reading(study: StudyPaths, design: str, body: ReadingDesign) -> Revision:
    """Draws the items of a changed design and stores the change: in its place, or once it is frozen as a new version."""
    items = draw_items(study, body)
    return readings.revise_design(study, design, body, items, common_side(item_files(study, items)))


def draw_items(study: StudyPaths, body: ReadingDesign) -> list[Item]:
    """The items of a design, from the images that the study has now."""
    return make_items(body, available_images(study, [stratum.image_set for stratum in body.strata]))


def available_images(study: StudyPaths, image_sets: list[str]) -> dict[tuple[str, str], int]:
    """(image set, class) -> number of images."""
    counts: dict[tuple[str, str], int] = {}
    for image_set in image_sets:
        for label in PATHOLOGIES:
            if image_set.startswith("real/"):
                counts[image_set, label] = len(real_files(study, image_set.removeprefix("real/"), label))
            else:
                folder = study.synthetic(ImageKey(image_set, label, 0)).parent
                counts[image_set, label] = sum(1 for _ in folder.glob("[0-9]*.png"))
    return counts


def item_files(study: StudyPaths, items: Sequence[Item]) -> list[Path]:
    """The files of all images of the items, partners included."""
    keys = [key for item in items for key in (item.image, item.partner) if key is not None]
    return [file for file in (image_file(study, key) for key in keys) if file is not None]


def common_side(files: list[Path]) -> int:
    """The side in pixels at which all images can be shown without one of them being enlarged: sharpness tells.

    Raises UserError naming a file that cannot be read.
    """
    from polypstudio.store.images import image_size

    sides = [LARGEST_SIDE]
    for file in files:
        try:
            sides.append(min(image_size(file)))
        except UserError:
            raise UserError(f"{file}: cannot be read, so no reading can show it; restore the image") from None
    return min(sides)


def square_pixels(file: Path, side: int) -> np.ndarray:
    """uint8 (side, side, 3): the central square of an image, resized with antialiasing. UserError if unreadable."""
    from PIL import Image, ImageOps

    from polypstudio.store.images import load_rgb

    return np.asarray(ImageOps.fit(Image.fromarray(load_rgb(file)), (side, side), Image.Resampling.LANCZOS))
