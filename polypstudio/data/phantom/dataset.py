"""Labelled, grouped sets of phantoms, in memory or as a `folder` data set on disk."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from polypstudio.data.phantom.rendering import LABELS, render

SPLITS = ("train", "test")
_FRAMES_PER_GROUP = (2, 3, 4)
_BLURRED_SHARE = {"ad": 0.04, "non_ad": 0.04, "unlabelled": 0.25, "non_polyp": 0.25}


@dataclass(frozen=True)
class PlannedFrame:
    """What `PhantomImage` says of a frame, and the seeds that draw it."""

    label: str
    split: str
    group: str
    sharp: bool
    patient_seed: int
    frame_seed: int


@dataclass(frozen=True)
class PhantomImage:
    pixels: np.ndarray  # (128, 128, 3) uint8
    label: str  # "ad" | "non_ad" | "unlabelled" | "non_polyp"
    split: str  # "train" | "test"
    group: str  # one patient; never in both splits, may hold several labels
    sharp: bool


def phantom_images(counts: Mapping[tuple[str, str], int], seed: int) -> Iterator[PhantomImage]:
    """Draw the frames of `plan_frames(counts, seed)`, which says their order and what is raised."""
    for frame in plan_frames(counts, seed):
        pixels = render(frame.label, frame.patient_seed, frame.frame_seed, sharp=frame.sharp)
        yield PhantomImage(pixels, frame.label, frame.split, frame.group, frame.sharp)


def plan_frames(counts: Mapping[tuple[str, str], int], seed: int) -> Iterator[PlannedFrame]:
    """Lay out `counts[(split, label)]` frames, patient by patient (2 to 4 frames each, labels mixed).

    The same counts and seed give the same frames in the same order. Raises ValueError for an unknown split or label.
    """
    for split, label in counts:
        if split not in SPLITS or label not in LABELS:
            raise ValueError(f"({split!r}, {label!r}): a split of {SPLITS} and a label of {LABELS}")
    rng = np.random.default_rng(seed)
    for split in SPLITS:
        labels = np.repeat(LABELS, [counts.get((split, label), 0) for label in LABELS])
        rng.shuffle(labels)
        start, group = 0, 0
        while start < len(labels):
            patient_seed = int(rng.integers(2**62))
            frames = labels[start : start + int(rng.choice(_FRAMES_PER_GROUP))]
            for frame, label in enumerate(map(str, frames)):
                sharp = bool(rng.random() >= _BLURRED_SHARE[label])
                yield PlannedFrame(label, split, f"{split}{group:04d}", sharp, patient_seed, frame)
            start += len(frames)
            group += 1


def write_phantom(
    folder: Path,
    counts: Mapping[tuple[str, str], int],
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write frames to `<folder>/<split>/<label>/<n>.png` and their labels to `metadata.csv` (the layout `folder`).

    `metadata.csv` is written last. `progress(done, total)` is called after each frame.
    """
    total = sum(counts.values())
    numbers: dict[tuple[str, str], int] = {}
    rows = []
    for done, image in enumerate(phantom_images(counts, seed), start=1):
        key = (image.split, image.label)
        numbers[key] = numbers.get(key, -1) + 1
        path = folder / image.split / image.label / f"{numbers[key]:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.pixels).save(path, optimize=True)
        rows.append(
            [path.relative_to(folder).as_posix(), image.label, image.split, image.group, str(image.sharp).lower()]
        )
        if progress is not None:
            progress(done, total)
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "label", "split", "group", "sharp"])
        writer.writerows(rows)
