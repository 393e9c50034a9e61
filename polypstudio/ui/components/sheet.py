"""The sheet of samples as the browser downloads it."""

from __future__ import annotations

import io
import re
from typing import Literal

from PIL import Image

from polypstudio.errors import UserError
from polypstudio.figures.sheet import Row, sample_sheet, sample_sheet_svg
from polypstudio.records import PATHOLOGIES
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations

SheetKind = Literal["png", "svg"]
MEDIA_TYPES: dict[SheetKind, str] = {"png": "image/png", "svg": "image/svg+xml"}
MOST_COLUMNS, MOST_SAMPLES = 20, 12


def sheet_file(study: StudyPaths, iterations: str, samples: str, side: int, kind: SheetKind) -> bytes:
    """A sheet as PNG or SVG. ``iterations`` and ``samples`` as a browser gives them: whole numbers with commas between.

    Raises UserError for iterations that the study does not have, and for too many of them.
    """
    columns = _numbers("iterations", iterations, MOST_COLUMNS)
    absent = sorted(set(columns) - set(complete_iterations(study)))
    if absent:
        raise UserError(f"{study.name} has no iteration {', '.join(map(str, absent))}")
    rows: list[Row] = [(label, index) for label in PATHOLOGIES for index in _numbers("samples", samples, MOST_SAMPLES)]
    images = {}
    for iteration in columns:
        for label, index in rows:
            try:
                with Image.open(study.sample(iteration, label, index)) as image:
                    images[iteration, (label, index)] = image.convert("RGB")
            except OSError:
                continue
    if kind == "svg":
        return sample_sheet_svg(columns, rows, images, side).encode()
    content = io.BytesIO()
    sample_sheet(columns, rows, images, side).save(content, "PNG")
    return content.getvalue()


def _numbers(name: str, text: str, most: int) -> list[int]:
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise UserError(f"{name}: give whole numbers with commas between, like 160,320; got `{text}`")
    found = list(dict.fromkeys(map(int, text.split(","))))
    if len(found) > most:
        raise UserError(f"{name}: at most {most} fit on a sheet, got {len(found)}")
    return found
