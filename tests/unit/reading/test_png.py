"""The PNG that goes to a reader."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from polypstudio.reading.png import plain_png


def test_pixels_come_back_as_they_were() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    with Image.open(io.BytesIO(plain_png(pixels))) as image:
        assert image.format == "PNG"
        assert image.info == {}
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_the_length_depends_on_the_size_alone() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    assert len(plain_png(noise)) == len(plain_png(np.zeros_like(noise)))


def test_there_is_no_chunk_but_the_three_needed() -> None:
    content = plain_png(np.zeros((8, 8, 3), np.uint8))
    position, chunks = 8, []
    while position < len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        chunks.append(kind)
        position += length + 12
    assert chunks == [b"IHDR", b"IDAT", b"IEND"]


def test_anything_but_rgb_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        plain_png(np.zeros((8, 8, 3)))
