"""Images of a study and what names them."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from polypstudio.config.words import Quality
from polypstudio.records.base import Label, Pathology, Record, Split


class RealImage(Record):
    """One real (or phantom) image of a dataset. ``path`` is relative to the dataset's root, with forward slashes."""

    path: str
    label: Label
    split: Split
    group: str
    quality: Quality | None = None
    sharpness: float | None = Field(None, ge=0, le=1, description="as measured where the dataset states no quality")


class ImageKey(NamedTuple):
    """What names an image within a study: its set, its class and its index in it.

    ``image_set`` is ``real/train``, ``real/test``, ``reconstruction/train``, ``reconstruction/test`` or ``iterations/001000``.
    """

    image_set: str
    label: Pathology
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody calls
