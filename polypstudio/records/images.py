"""Images of a study and what names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from polypstudio.config.words import Quality
from polypstudio.records.base import Label, Pathology, Split


@dataclass(frozen=True, slots=True)
class RealImage:
    """One real (or phantom) image of a dataset. ``path`` is relative to the dataset's root, with forward slashes, or
    absolute where the image is of another dataset that was added to it.

    A slotted dataclass, unlike the other records: a study of SUN holds 158,690 of them.
    """

    path: str
    label: Label
    split: Split
    group: str
    quality: Quality | None = None
    sharpness: float | None = None  # as measured where the dataset states no quality, 0 to 1


class ImageKey(NamedTuple):
    """What names an image within a study: its set, its class and its index in it.

    ``image_set`` is ``real/train``, ``real/test``, ``reconstruction/train``, ``reconstruction/test`` or ``iterations/001000``.
    """

    image_set: str
    label: Pathology
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody calls
