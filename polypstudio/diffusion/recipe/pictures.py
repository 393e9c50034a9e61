"""Training pictures, drawn once by all cores and kept as one array on disk."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polypstudio.data.phantom import render
from polypstudio.diffusion.recipe.dead_leaves import dead_leaves
from polypstudio.store.atomic import write_bytes

FIRST_PATIENT = 10_000_000
"""Patient seeds from here on belong to the recipe: no study's phantom, the demo's included, uses them."""


class Frame(NamedTuple):
    """One phantom picture to draw."""

    label: str
    patient: int
    sharp: bool
    size: int


def draw_leaves(first_seed: int, count: int, size: int, folder: Path, workers: int) -> NDArray[np.uint8]:
    """Dead leaves (count, size, size, 3) with the seeds `first_seed` onwards."""
    return _cached(folder, _draw_leaf, [(first_seed + i, size) for i in range(count)], workers)


def draw_phantoms(frames: list[Frame], folder: Path, workers: int) -> NDArray[np.uint8]:
    """Phantoms (len(frames), size, size, 3), one patient each."""
    return _cached(folder, _draw_phantom, frames, workers)


def _draw_leaf(job: tuple[int, int]) -> NDArray[np.uint8]:
    return dead_leaves(*job)


def _draw_phantom(frame: Frame) -> NDArray[np.uint8]:
    return render(frame.label, FIRST_PATIENT + frame.patient, 0, size=frame.size, sharp=frame.sharp)


def _cached(
    folder: Path, draw: Callable[[Any], NDArray[np.uint8]], jobs: Sequence[tuple], workers: int
) -> NDArray[np.uint8]:
    """What `draw` makes of every job, from the file that an earlier call left in `folder` if there is one."""
    cache = folder / f"{draw.__name__.strip('_')}-{sha256(repr(jobs).encode()).hexdigest()[:12]}.npy"
    if not cache.exists():
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            pictures = np.stack(list(pool.map(draw, jobs, chunksize=16)))
        content = io.BytesIO()
        np.save(content, pictures)
        write_bytes(cache, content.getvalue())
    return np.load(cache, mmap_mode="r", allow_pickle=False)
