"""What a lasso caught, to take along: a table of the images with what is known of each, and the images themselves."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import IO

from polypstudio.records import Copy, ImageKey, NeighbourResult
from polypstudio.report.tables import to_csv
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.studies import labelled, load_index
from polypstudio.ui.context import Selection
from polypstudio.ui.images import image_file

TABLE = "selection.csv"


def selection_csv(selection: Selection, keys: Iterable[ImageKey]) -> str:
    """A row an image, in the order given: where it is from, its group, its nearest real training image."""
    neighbours = selection.neighbours()
    groups = _groups(selection.paths) if selection.paths else {}
    nearest = _nearest(neighbours) if neighbours else {}
    rows = []
    for key in keys:
        found = nearest.get(key)
        iteration = int(key.image_set.split("/")[1]) if key.image_set.startswith("iterations/") else None
        rows.append(
            {
                "study": selection.study,
                "encoder": selection.encoder,
                "file": archive_name(key, _suffix(selection.paths, key)),
                "source": "real" if iteration is None else "synthetic",
                "class": key.label,
                "iteration": iteration,
                "image_set": key.image_set,
                "index": key.index,
                "group": groups.get(key),
                "nearest_real_class": found.nearest_label if found else None,
                "nearest_real_index": found.nearest_index if found else None,
                "cosine_distance": found.distance if found else None,
                "copy": found.is_copy if found else None,
            }
        )
    return to_csv(rows)


def write_selection(selection: Selection, keys: list[ImageKey], file: IO[bytes]) -> None:
    """Writes a ZIP of the table and of the images' own files; one that is missing on disk is left out."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(TABLE, selection_csv(selection, keys))
        for key in keys:
            path = image_file(selection.paths, key) if selection.paths else None
            if path and path.is_file():
                archive.write(path, archive_name(key, path.suffix.lower()))


def archive_name(key: ImageKey, suffix: str) -> str:
    """``iterations/000160``, ad, 3 -> iterations-000160-ad-00003.png: flat, so that a folder sorts by set and class."""
    return f"{key.image_set.replace('/', '-')}-{key.label}-{key.index:05d}{suffix}"


def _suffix(study: StudyPaths | None, key: ImageKey) -> str:
    path = image_file(study, key) if study else None
    return path.suffix.lower() if path else ".png"


def _groups(study: StudyPaths) -> dict[ImageKey, str]:
    groups: dict[ImageKey, str] = {}
    index = load_index(study)
    for split in ("train", "test"):
        numbers: dict[str, int] = {}
        for image in labelled(index, split):
            place = numbers.setdefault(image.label, 0)
            groups[ImageKey(real_set(split), image.label, place)] = image.group  # type: ignore[arg-type]
            numbers[image.label] += 1
    return groups


def _nearest(neighbours: NeighbourResult) -> dict[ImageKey, Copy]:
    return {
        ImageKey(iteration_set(copies.iteration), image.label, image.index): image
        for copies in neighbours.copies
        for image in copies.images
    }
