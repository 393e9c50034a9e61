"""Reading one image file, whatever its mode, into 8-bit RGB."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from polypstudio.errors import UserError

MAX_PIXELS = 100_000_000  # a colonoscopy frame has 2 million; more is a mistake or a decompression bomb
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"})

# What Pillow's decoders raise on broken files
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, struct.error)
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


def load_rgb(path: Path, size: int | None = None) -> np.ndarray:
    """Reads an image as uint8 RGB of shape (height, width, 3), upright according to its EXIF orientation.

    With ``size``, its centre square resampled (bicubic, antialiased) to (size, size, 3). Grey is repeated, palettes
    are looked up, 16 bits are scaled to 8, CMYK is converted, transparent pixels become black.
    Raises UserError naming the file where it is missing, empty, truncated, animated, too large, or no image.
    """
    image = _to_rgb(_open(path), path)
    if size is not None:
        image = centre_square(image, size)
    return np.asarray(image)


def centre_square(image: Image.Image, size: int) -> Image.Image:
    """The centre square of an image, resampled to ``size`` pixels a side; Pillow's bicubic filter is antialiased."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))  # first: resize(box=…) looks beyond the box
    return square if side == size else square.resize((size, size), Image.Resampling.BICUBIC)


def _open(path: Path) -> Image.Image:
    """The decoded image, upright, in its own mode."""
    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path}: the file is empty (0 bytes); copy it again, or remove it")
        with Image.open(path) as image:
            _check_extent(image, path)
            image.load()
            return ImageOps.exif_transpose(image)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path}: more than {MAX_PIXELS:,} pixels; scale it down first") from None
    except _DECODING_ERRORS as error:
        if path.suffix.lower() in (".tif", ".tiff"):
            return _open_tiff(path)
        if isinstance(error, UnidentifiedImageError):
            raise UserError(f"{path}: not an image that can be read; export it as PNG, or remove it") from None
        raise UserError(f"{path}: broken or truncated image ({error}); copy it again, or remove it") from None


def image_size(path: Path) -> tuple[int, int]:
    """Width and height, without decoding where Pillow can tell. Raises UserError naming a file that cannot be read."""
    try:
        with Image.open(path) as image:
            return image.size
    except OSError:
        return _open(path).size


def _check_extent(image: Image.Image, path: Path) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # a camera's JPEG with previews attached: the first frame is the image
        raise UserError(f"{path}: has {frames} frames; export one of them as PNG")
    if image.width * image.height > MAX_PIXELS:
        raise UserError(f"{path}: more than {MAX_PIXELS:,} pixels; scale it down first")


def _open_tiff(path: Path) -> Image.Image:
    """TIFFs that Pillow cannot read, such as those of CVC-ClinicDB, by way of tifffile."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            if len(file.pages) > 1:
                raise UserError(f"{path}: has {len(file.pages)} frames; export one of them as PNG")
            page = file.pages.first
            if page.imagewidth * page.imagelength > MAX_PIXELS:
                raise UserError(f"{path}: more than {MAX_PIXELS:,} pixels; scale it down first")
            pixels = page.asarray()
            apart = page.axes[0] == "S"  # the colours in planes, one after the other
            return Image.fromarray(np.ascontiguousarray(np.moveaxis(pixels, 0, -1)) if apart else pixels)
    except UserError:
        raise
    except Exception:  # whatever its many decoders raise at broken files
        raise UserError(f"{path}: not a TIFF that can be read; export it as PNG, or remove it") from None


def _to_rgb(image: Image.Image, path: Path) -> Image.Image:
    if image.mode in _SIXTEEN_BIT or (image.mode == "I" and image.format == "PPM"):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("I", "F", "LAB"):
        raise UserError(f"{path}: pixels of mode {image.mode} have no known range; export it as 8-bit RGB")
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """16-bit values on the 8-bit scale: 65535 -> 255, rounded to the nearest."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
