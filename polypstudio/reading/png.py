"""PNG files that say nothing but their pixels: no text chunks, and a length that depends on the size alone."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def plain_png(pixels: np.ndarray) -> bytes:
    """Encodes uint8 RGB pixels (h, w, 3) without compression, since a compressed length is content.

    Chunks: IHDR, one IDAT of stored deflate blocks, IEND (PNG 3rd edition, sections 5 and 11).
    """
    height, width, channels = pixels.shape
    if channels != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"RGB pixels of type uint8 expected, got {pixels.dtype} with {channels} channels")
    rows = np.zeros((height, 1 + width * 3), np.uint8)  # each row starts with its filter type: 0, none
    rows[:, 1:] = pixels.reshape(height, width * 3)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
