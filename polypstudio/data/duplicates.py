"""Which images are the same, or nearly: by a hash of their pixels, and by a perceptual hash."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

HASH_SIDE = 16
NEAR_BITS = 20  # of 256; unrelated frames differ in some 100
_COMPARISONS_AT_ONCE = 4_000_000


def pixel_hash(image: np.ndarray) -> str:
    """Hash of an image's size and pixels: the same for the same picture in two lossless formats."""
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


def difference_hash(image: np.ndarray) -> np.ndarray:
    """Perceptual hash as uint64 of shape (4,): whether each cell of a 16 × 17 grey thumbnail is darker than the next.

    Hardly changed by resizing, compression and brightness (dHash, Krawetz 2013).
    """
    thumbnail = Image.fromarray(image).convert("L").resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX)
    grey = np.asarray(thumbnail, np.int16)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).view(np.uint64)


def identical(hashes: Sequence[str]) -> list[list[int]]:
    """The sets of two or more indices that share a hash."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, value in enumerate(hashes):
        members[value].append(index)
    return [indices for indices in members.values() if len(indices) > 1]


def near_pairs(hashes: np.ndarray, groups: np.ndarray, limit: int = NEAR_BITS) -> Iterator[tuple[int, int]]:
    """Pairs i < j of different groups whose perceptual hashes (n, 4) differ in at most ``limit`` bits.

    Compares all pairs, in blocks. ``groups``: a number an image.
    """
    n = len(hashes)
    rows = max(1, _COMPARISONS_AT_ONCE // max(n, 1))
    for start in range(0, n, rows):
        block = hashes[start : start + rows]
        distance = np.bitwise_count(block[:, None] ^ hashes[None, start:]).sum(axis=2, dtype=np.uint16)
        between = groups[start : start + rows, None] != groups[None, start:]
        for i, j in np.argwhere((distance <= limit) & between):
            if i < j:
                yield start + int(i), start + int(j)
