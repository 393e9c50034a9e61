"""How a set of images was made into files – size, borders, codec –, and bringing other images into that form.

Real images that are JPEG and synthetic ones that are not, or black borders on one side only, tell the two apart without
a look at what they show; an encoder notices.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image, JpegImagePlugin

from polypstudio.errors import UserError
from polypstudio.store.images import centre_square, load_rgb

MEASURED = 200  # images that are looked at, evenly spread
DARK = 20  # luminance up to which a row or column counts as border
SPECKS = 0.05  # share of a row or column that may be brighter and it still counts as dark
BORDERED = 0.02  # share of an image's side from which its borders count
Tables = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Jpeg:
    """A JPEG encoder's settings: quantisation tables and chroma subsampling (0: 4:4:4, 1: 4:2:2, 2: 4:2:0)."""

    tables: Tables
    subsampling: int

    def round_trip(self, image: Image.Image) -> Image.Image:
        """The image as it looks after having been saved as such a JPEG."""
        content = io.BytesIO()
        image.save(
            content, "JPEG", qtables=[list(table) for table in self.tables], subsampling=max(self.subsampling, 0)
        )
        return Image.open(content).convert("RGB")


@dataclass(frozen=True)
class ImageFormat:
    """What most images of a set have in common. ``jpeg`` is None where most are lossless."""

    side: int
    bordered: bool
    jpeg: Jpeg | None


def measure_format(files: Sequence[Path]) -> ImageFormat:
    """The format of some image files: their median short side, whether most have dark borders, the codec of most."""
    chosen = files[:: max(1, len(files) // MEASURED)]
    codecs = Counter(jpeg_of(path) for path in chosen)
    pixels = [load_rgb(path) for path in chosen]
    lossless = codecs.pop(None, 0)
    return ImageFormat(
        side=int(median(min(image.shape[:2]) for image in pixels)),
        bordered=median(border_share(image) for image in pixels) >= BORDERED,
        jpeg=codecs.most_common(1)[0][0] if codecs.total() > lossless else None,
    )


def jpeg_of(path: Path) -> Jpeg | None:
    """The settings with which a JPEG was saved; None for a file of another kind."""
    try:
        with Image.open(path) as image:
            if not isinstance(image, JpegImagePlugin.JpegImageFile):
                return None
            tables = tuple(tuple(image.quantization[key]) for key in sorted(image.quantization))
            return Jpeg(tables, JpegImagePlugin.get_sampling(image))
    except OSError:
        raise UserError(f"{path}: not an image that can be read; remove or replace it") from None


def match(path: Path, form: ImageFormat) -> tuple[Image.Image, list[str]]:
    """An image file brought into a format, and what was done to it, in words.

    Dark borders are cut off where the format has none; the centre square is taken, and reduced if it is larger than the
    format's side; a lossless image passes the format's JPEG once. Nothing is enlarged, no border is painted, and a
    JPEG is not made lossless again: what cannot be matched, the leak check tells.
    """
    pixels, done = load_rgb(path), []
    if not form.bordered and border_share(pixels) >= BORDERED:
        pixels = without_border(pixels)
        done.append("borders cut off")
    side = min(pixels.shape[:2])
    if side > form.side:
        done.append(f"reduced to {form.side} px")
    image = centre_square(Image.fromarray(pixels), min(side, form.side))
    if form.jpeg is not None and jpeg_of(path) is None:
        image = form.jpeg.round_trip(image)
        done.append("compressed as the real images")
    return image, done


def border_share(image: np.ndarray) -> float:
    """Share of the longer of height and width that dark rows or columns at the edges take, at most: 0 to 1."""
    top, bottom, left, right = _borders(image)
    return max((top + bottom) / image.shape[0], (left + right) / image.shape[1])


def without_border(image: np.ndarray) -> np.ndarray:
    """The image without dark rows and columns at its edges; an image that is dark all over stays as it is."""
    top, bottom, left, right = _borders(image)
    inside = image[top : image.shape[0] - bottom, left : image.shape[1] - right]
    return inside if inside.size else image


def _borders(image: np.ndarray) -> tuple[int, int, int, int]:
    """Dark rows at the top and bottom, dark columns at the left and right; specks of noise do not make them bright."""
    luminance = image @ np.array([0.299, 0.587, 0.114])
    rows, columns = ((luminance > DARK).mean(axis=axis) > SPECKS for axis in (1, 0))
    if not rows.any() or not columns.any():
        return 0, 0, 0, 0
    return int(rows.argmax()), int(rows[::-1].argmax()), int(columns.argmax()), int(columns[::-1].argmax())
