"""``metadata.csv`` in the style of Hugging Face's ImageFolder."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from polypstudio.config.words import Quality
from polypstudio.data.vocabulary import label_of, quality_of, split_of
from polypstudio.errors import UserError
from polypstudio.records import Label

METADATA = "metadata.csv"
V = TypeVar("V")


@dataclass(frozen=True)
class Row:
    """What one line says of an image; None where it says nothing. ``where`` names file and line for error messages."""

    where: str
    file: str
    label: Label | None
    split: str | None
    group: str | None
    quality: Quality | None


def read_metadata(path: Path) -> list[Row]:
    """The rows of a ``metadata.csv``; other columns than the known ones are left alone.

    Raises UserError naming file and line for a missing ``file_name``, a file listed twice, or a value not understood.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if "file_name" not in (reader.fieldnames or ()):
                found = ", ".join(reader.fieldnames or ()) or "nothing"
                raise UserError(f"{path}: no column `file_name` (found: {found}); name the column of image paths so")
            rows = [_row(f"{path}, line {reader.line_num}", record) for record in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file in UTF-8 ({error}); export it anew") from None
    seen: set[str] = set()
    for row in rows:
        if row.file in seen:
            raise UserError(f"{row.where}: {row.file} is listed twice; remove one of the rows")
        seen.add(row.file)
    return rows


def _row(where: str, record: dict[str, str | None]) -> Row:
    name = (record.get("file_name") or "").strip().replace("\\", "/")
    file = PurePosixPath(name)
    if not name or file.is_absolute() or ".." in file.parts:
        raise UserError(f"{where}: file_name `{name}` must be a path below the folder of {METADATA}")
    quality: Quality | None = _value(where, record, "quality", quality_of, "high or low")
    return Row(
        where=where,
        file=file.as_posix(),
        label=_value(where, record, "label", label_of, "ad, non_ad, unlabelled or non_polyp"),
        split=_value(where, record, "split", split_of, "train or test"),
        group=(record.get("group") or "").strip() or None,
        quality=quality or _value(where, record, "sharp", quality_of, "true or false"),
    )


def _value(
    where: str, record: dict[str, str | None], column: str, meaning: Callable[[str], V | None], expected: str
) -> V | None:
    """What a cell means, None if it is empty or the column is absent."""
    text = (record.get(column) or "").strip()
    if not text:
        return None
    value = meaning(text)
    if value is None:
        raise UserError(f"{where}: {column} `{text}` is not known; expected {expected}")
    return value
